/* The data: nodes of the drawing, joined with the rows of the result that belong to them. */
const page = JSON.parse($('data').textContent);
const images = JSON.parse($('images').textContent);
const result = page.result || {};
const net = page.network;

/* Of metrics: is little bad? */
const rises = key => /cosine|sqnr|agreement|equal|score/.test(key);
const HIDDEN = new Set(['node', '$', 'number', 'instruction', 'first', 'tensor', 'role', 'fused', 'integer']);
const SUFFIX = '_HzCalibration';

/* Arrays of rows with the key "node", wherever they are. */
function nodeRows(o, path = '', out = [], depth = 0) {
  for (const [k, v] of Object.entries(o))
    if (isTable(v) && v.every(r => typeof r.node === 'string'))
      out.push([path + k, v]);
    else if (isTable(v) && depth < 2)
      v.forEach((x, i) => nodeRows(x, `${path}${k} ${i + 1} `, out, depth + 2));
    else if (isObject(v) && depth < 3)
      nodeRows(v, `${path}${k} `, out, depth + 1);
  return out;
}

const nodes = []; /* {node, type, ..., $: {drawn, index, rows}} in order */
const byName = new Map();

function addNode(name, drawn) {
  const node = { node: name };
  Object.defineProperty(node, '$', { value: { drawn, index: nodes.length, rows: [] } });
  nodes.push(node);
  byName.set(name, node);
  return node;
}

function readNetwork() {
  for (const n of net ? net.nodes : []) {
    const node = byName.get(n.name) || addNode(n.name, n);
    node.type = n.type;
    node.integer = n.integer;
  }
  const makers = new Map(), readers = new Map();
  (net ? net.nodes : []).forEach(n => {
    n.out.forEach(v => makers.set(v, n));
    n.in.forEach(v => readers.has(v) ? readers.get(v).push(n) : readers.set(v, [n]));
  });
  return { makers, readers, values: new Map((net ? net.values : []).map((v, i) => [v.name, i])) };
}
const links = readNetwork();

/* A node, or the one that makes or first reads the tensor of a calibration node. */
function nodeOf(name) {
  if (byName.has(name))
    return byName.get(name);
  if (!name.endsWith(SUFFIX))
    return null;
  const v = links.values.get(name.slice(0, -SUFFIX.length));
  const n = links.makers.get(v) || (links.readers.get(v) || [])[0];
  return n ? byName.get(n.name) : null;
}

/* Several rows of one node: the worst number. */
function join(node, cells) {
  for (const [k, v] of Object.entries(cells)) {
    if (HIDDEN.has(k) || v === null || typeof v === 'object' || (k === 'type' && node.type))
      continue;
    const old = node[k];
    if (typeof v !== 'number' || typeof old !== 'number')
      node[k] = old === undefined ? v : old;
    else
      node[k] = rises(k) ? Math.min(old, v) : Math.max(old, v);
  }
}

function readRows() {
  const tables = nodeRows(result);
  for (const [, rows] of tables)
    for (const row of rows) {
      const node = nodeOf(row.node) || (net || !row.node ? null : addNode(row.node, null));
      if (!node)
        continue;
      node.$.rows.push(row);
      join(node, flat(row));
    }
  return tables;
}

/* Points of curves along the network. */
function readCurves() {
  const names = result.nodes;
  if (!Array.isArray(result.curves) || !Array.isArray(names) || typeof names[0] !== 'string')
    return;
  for (const curve of result.curves)
    for (const metric of ['cosine-similarity', 'sqnr', 'mse'])
      names.forEach((name, i) => {
        const node = nodeOf(name) || (net ? null : addNode(name, null));
        if (node && Array.isArray(curve[metric]) && typeof curve[metric][i] === 'number')
          node[`${curve.label}.${metric}`] = curve[metric][i];
      });
}
const rowTables = readRows();
readCurves();

/* ---- how bad a node is ---- */

const PREFERRED = ['worse_by', 'different', 'cosine_mean', 'cosine', 'sqnr', 'cosine-similarity', 'mse', 'max_bound', 'median_ms'];
const DULL = /^(integer|threshold|bit|zero|compared|drifted|mistrusted)$/;

/* Where a scale is absolute: its ends; where small differences are not bad: the least that it spans. */
const SCALES = [
  [/max_bound/, [0, 1]], [/agreement|equal/, null, 0.01], [/cosine/, null, 1e-3], [/sqnr/, null, 10]
];

function range(key) {
  let least = Infinity, most = -Infinity;
  for (const n of nodes)
    if (typeof n[key] === 'number') {
      least = Math.min(least, n[key]);
      most = Math.max(most, n[key]);
    }
  return [least, most];
}

/* From end to end of the colours. */
function span(key) {
  const [least, most] = range(key), [, ends, wide = 0] = SCALES.find(([of]) => of.test(last(key))) || [];
  if (ends)
    return [Math.min(ends[0], least), Math.max(ends[1], most)];
  if (most - least >= wide)
    return [least, most];
  return rises(last(key)) ? [most - wide, most] : [least, least + wide];
}

const metrics = [...new Set(nodes.flatMap(n => Object.keys(n).filter(k => typeof n[k] === 'number' && !DULL.test(k))))];
const last = key => key.slice(key.lastIndexOf('.') + 1);

function firstMetric() {
  const rank = key => (PREFERRED.indexOf(last(key)) + 99) % 99;
  const varied = metrics.filter(k => range(k)[0] < range(k)[1]);
  return [...(varied.length ? varied : metrics)].sort((a, b) => rank(a) - rank(b))[0] || null;
}
state.metric = firstMetric();

/* 0 good ... 1 bad; null: not known. */
function badness(node, key = state.metric, ends = span(key)) {
  const x = key === null ? null : node[key];
  if (typeof x !== 'number')
    return null;
  if (!(ends[1] > ends[0]))
    return 0;
  const t = (rises(last(key)) ? ends[1] - x : x - ends[0]) / (ends[1] - ends[0]);
  return /sqnr/.test(key) ? t : Math.sqrt(t);
}

function worstFirst(key = state.metric) {
  const ends = key && span(key);
  return nodes.filter(n => typeof n[key] === 'number').sort((a, b) => badness(b, key, ends) - badness(a, key, ends));
}

/* ---- the node that is looked at ---- */

const choosers = [];
function choose(node, from) {
  state.chosen = node;
  for (const f of choosers)
    f(node, from);
}
