/* The page, from top to bottom. */

/* ---- the verdict ---- */

/* Tables that say what is wrong stand first. */
const LEADS = ['faults', 'steps', 'findings', 'changed', 'stages', 'models', 'problems'];
const leads = () => Object.entries(result).filter(([k, v]) => LEADS.includes(k) && isTable(v));

function tableBlock(key, rows) {
  return el('div', { class: 'lead' }, el('h3', null, say(key)), new Table(rows, { name: word(key), alert: isBad }).element);
}

const isBad = row => ['FAIL', 'FAILED', 'unaligned', 'error'].includes(row.status || row.state || row.severity || row.result);

function cards(o) {
  const list = Object.entries(o).filter(([k, v]) => (typeof v !== 'object' || v === null) && !TOLD.has(k) && v !== null);
  if (!list.length)
    return null;
  const card = ([k, v]) => el('div', { class: text(v).length > 16 ? 'card long' : 'card' },
    el('dt', null, say(k)), el('dd', null, text(v)));
  return el('dl', { class: 'cards' }, ...list.map(card));
}

function verdict() {
  const key = page.passed === null ? 'measured' : page.passed ? 'passed' : 'failed';
  const mark = { passed: '✓ ', failed: '✗ ', measured: '' }[key];
  return el('section', { id: 'verdict' },
    el('div', { class: `verdict ${{ passed: 'good', failed: 'bad', measured: '' }[key]}` },
      el('strong', null, mark, say(key)), el('code', null, page.line)),
    failure(), ...leads().map(([k, v]) => tableBlock(k, v)), cards(result), worstLine());
}

/* Why it failed, and what to do next. */
function failure() {
  if (!result.cause)
    return null;
  const next = result.next_command;
  return el('dl', { class: 'pairs lead' }, el('dt', null, say('cause')), el('dd', null, result.cause), el('dt', null, say('evidence')),
    el('dd', null, result.evidence || ''), ...(next ? [el('dt', null, say('next_command')), el('dd', null, el('code', null, next), ' ', copyButton(() => next))] : []));
}

const TOLD = new Set(['passed', 'yaml', 'cause', 'evidence', 'next_command']);

/* The worst node in a sentence's place: chosen by a click. */
function worstLine() {
  const n = worstFirst()[0], ends = state.metric && range(state.metric);
  if (!n || !(ends[1] > ends[0]))
    return null;
  return el('p', null, say('to_worst'), ': ', el('button', { type: 'button', onclick: () => { choose(n); $('network')?.scrollIntoView(); } }, n.node),
    ' ', title(state.metric), ' ', number(n[state.metric]));
}

/* ---- samples ---- */

function side(s) {
  const src = typeof s.image === 'string' && Object.hasOwn(images, s.image) ? images[s.image] : null;
  return el('figure', null,
    src && src.startsWith('data:image/png;base64,') ? el('img', { src, alt: s.label || '', loading: 'lazy' }) : null,
    isTable(s.rows) ? smallTable(s.rows) : null,
    el('figcaption', null, Object.hasOwn(WORDS, s.label) ? say(s.label) : s.label || ''));
}

function smallTable(rows) {
  const keys = Object.keys(rows[0]);
  const heading = k => el('th',
    { scope: 'col', class: typeof rows[0][k] === 'number' ? 'number' : null }, el('span', null, say(k)));
  return el('table', null, el('thead', null, el('tr', null, ...keys.map(heading))),
    el('tbody', null, ...rows.map(r => el('tr', null, ...keys.map(k => el('td', { class: typeof r[k] === 'number' ? 'number' : null }, text(r[k])))))));
}

function samples() {
  return el('section', { id: 'samples_worst' }, el('h2', null, say('samples_worst')),
    el('div', { class: 'samples' }, ...page.samples.map(s => el('article', { class: 'sample' },
      el('h3', { title: s.sample }, s.sample.slice(s.sample.lastIndexOf('/') + 1)), s.note ? el('p', { class: 'quiet' }, s.note) : null,
      isObject(s.numbers) ? pairs(Object.entries(s.numbers)) : null,
      ...(s.outputs || []).map(o => el('div', null, o.output ? el('p', { class: 'quiet' }, o.output, typeof o.agreement === 'number' ? ` · ${word('agreement')} ${number(o.agreement)}` : '') : null,
        el('div', { class: 'sides' }, ...(o.sides || []).map(side))))))));
}

/* ---- network ---- */

function legend(drawing) {
  const strip = el('i', null), a = say('good_end'), b = say('bad_end');
  const paint = () => {
    strip.title = state.metric ? span(state.metric).map(number).join(' … ') : '';
    strip.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(t => `rgb(${ramp(t)})`)})`;
  };
  paint();
  drawing.repaint = paint;
  return el('span', { class: 'legend' }, a, strip, b);
}

function metricChoice() {
  const options = metrics.map(k => el('option', { value: k }, title(k)));
  const select = el('select', { id: 'metric', onchange: () => { state.metric = select.value; recolour(); } }, ...options);
  if (state.metric)
    select.value = state.metric;
  return metrics.length ? el('label', null, say('colour_by'), ' ', select) : null;
}

let drawing = null;

function recolour() {
  if (drawing) {
    drawing.colour();
    drawing.repaint();
  }
  redraw();
}

function networkSection() {
  drawing = new Drawing();
  const zoomer = (key, sign, act) => {
    const b = el('button', { type: 'button', onclick: act }, sign || say(key));
    if (sign)
      labelled.push([b, key]);
    return b;
  };
  labelled.push([drawing.svg, 'drawing_help']);
  const panel = detailsPanel();
  labelled.push([panel, 'details']);
  return el('section', { id: 'network' }, el('h2', null, say('network')),
    el('div', { class: 'bar' }, metricChoice(), legend(drawing), el('span', { class: 'quiet' }, say('dashed')), el('span', { class: 'grow' }),
      zoomer('to_worst', null, () => choose(worstFirst()[0] || nodes[0])), zoomer('fit', null, () => drawing.fit()),
      zoomer('zoom_out', '−', () => drawing.zoom(1.25)), zoomer('zoom_in', '+', () => drawing.zoom(0.8))),
    el('div', { class: 'network' }, drawing.element, panel));
}

/* Without a drawing: the details alone. */
function nodesSection() {
  const table = new Table(nodes, { first: 'node', name: word('nodes'), pick: n => choose(n, table),
    alert: n => n.different > 0 });
  choosers.push(node => table.choose(node));
  state.table = table;
  return el('section', { id: 'nodes' }, el('h2', null, say('nodes')), net ? null : el('div', { class: 'bar' }, metricChoice()),
    table.element, net ? null : el('div', null, detailsPanel()));
}

/* ---- everything else in the result ---- */

const joined = new Set(rowTables.filter(([, rows]) => new Set(rows.map(r => r.node)).size === rows.length &&
  rows.every(r => byName.has(r.node))).map(([, rows]) => rows));

function blocks(o, depth, out = []) {
  for (const [k, v] of Object.entries(o)) {
    if (k === 'yaml' || joined.has(v) || (depth === 0 && LEADS.includes(k) && isTable(v)))
      continue;
    if (isTable(v))
      out.push(tableBlock(k, v));
    else if (Array.isArray(v) && v.length && v.every(x => typeof x === 'string') && k !== 'nodes')
      out.push(el('div', null, el('h3', null, say(k)), el('ul', null, ...v.map(x => el('li', null, x)))));
    else if (isObject(v) && Object.keys(v).length && depth < 3)
      out.push(el('div', null, el('h3', null, say(k)), cards(v), ...blocks(v, depth + 1)));
  }
  return out;
}

function tablesSection() {
  const list = blocks(result, 0);
  return list.length ? el('section', { id: 'tables' }, el('h2', null, say('tables')), ...list) : null;
}

function yamlBlock(key, t) {
  return el('div', null, el('div', { class: 'bar' }, el('h3', null, say(key)), copyButton(() => t)), el('pre', { tabindex: '0' }, t));
}

function configSection() {
  const list = [];
  if (page.config)
    list.push(el('p', { class: 'quiet' }, page.config.file),
      yamlBlock(result.yaml ? 'yaml' : 'configuration', page.config.text));
  return list.length ? el('section', { id: 'configuration' }, el('h2', null, say('configuration')), ...list) : null;
}

function originSection() {
  return el('section', { id: 'origin' }, el('h2', null, say('origin')),
    pairs([['vernier', page.vernier], ['made', page.made], ['command', page.line]]),
    ...page.files.map(f => el('details', null, el('summary', null, f.file, f.bytes === undefined ? '' : ` · ${number(f.bytes)} B · ${f.hash}`),
      named(Object.entries(f.meta || {})))));
}

/* ---- language and theme ---- */

const labelled = []; /* elements whose names follow the language */

function label() {
  for (const [e, key] of labelled) {
    e.setAttribute('aria-label', word(key));
    if (e.tagName === 'BUTTON')
      e.title = word(key);
  }
}

function setLanguage(lang) {
  state.lang = lang;
  speak();
  label();
  redraw();
}

function setTheme(theme) {
  if (theme === 'auto')
    delete document.documentElement.dataset.theme;
  else
    document.documentElement.dataset.theme = theme;
  recolour();
}

function controls() {
  for (const e of document.querySelectorAll('[data-word]'))
    e.append(say(e.dataset.word));
  const language = $('language'), theme = $('theme');
  language.value = state.lang ? 'zh' : 'en';
  language.addEventListener('change', () => setLanguage(language.value === 'zh' ? 1 : 0));
  theme.addEventListener('change', () => setTheme(theme.value));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
  $('print').addEventListener('click', () => print());
  let before = null;
  addEventListener('beforeprint', () => { before = theme.value; setTheme('light'); redrawNow(); });
  addEventListener('afterprint', () => { setTheme(before || 'auto'); });
}

function build() {
  $('title').textContent = document.title = `Vernier ${page.command}`;
  controls();
  const list = [verdict(), page.samples.length ? samples() : null, net ? networkSection() : null, nodes.length ? nodesSection() : null];
  const graphs = allCharts();
  if (graphs.length)
    list.push(el('section', { id: 'charts' }, el('h2', null, say('charts')), el('div', { class: 'charts' }, ...graphs)));
  list.push(tablesSection(), configSection(), originSection());
  const shown = list.filter(Boolean);
  $('main').append(...shown);
  $('links').append(...shown.map(s => el('a', { href: `#${s.id}` }, say(s.id))));
  if (drawing) {
    drawing.open();
    addEventListener('resize', () => drawing.view(drawing.at.x, drawing.at.y, drawing.at.w));
  }
  if (state.lang)
    setLanguage(state.lang);
  else
    label();
  document.documentElement.dataset.ready = 'yes';
}
build();
