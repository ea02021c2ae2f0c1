/* Charts by Chart.js. Every number in them is in a table, too. */
const charts = [];
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const LINES = { light: ['#0a58b0', '#b3461e', '#116329', '#7a3ea8', '#8a6100', '#0f6b75'],
  dark: ['#7db8ff', '#ff9d70', '#7ee2a0', '#d1a5ff', '#e6c35c', '#6fd3de'] };
const lineColour = i => LINES[isDark() ? 'dark' : 'light'][i % 6];

/* make: what the chart shows now, as Chart.js wants it. */
function chart(key, make, pick) {
  const canvas = el('canvas', { role: 'img', 'aria-label': word(key) });
  const box = el('figure', { class: 'chart' }, el('h3', null, say(key)), el('div', null, canvas));
  const c = { canvas, make, pick, key, chart: null };
  charts.push(c);
  return box;
}

function dress(config, c) {
  const grid = { color: css('--line') }, ticks = { color: css('--text') };
  config.options ||= {};
  config.options.color = css('--text');
  config.options.scales ||= { x: {}, y: {} };
  for (const s of Object.values(config.options.scales)) {
    s.grid = grid;
    s.ticks = { ...ticks, ...s.ticks };
    if (s.title)
      s.title.color = css('--text');
  }
  if (c.pick)
    config.options.onClick = (e, found) => found.length && c.pick(found[0].index);
  return config;
}

function drawChart(c) {
  const config = dress(c.make(), c);
  c.canvas.setAttribute('aria-label', word(c.key));
  if (c.chart)
    c.chart.destroy();
  c.chart = new Chart(c.canvas, config);
}

/* Charts that nobody sees yet wait. */
const seen = new IntersectionObserver(entries => {
  for (const e of entries) {
    const c = charts.find(x => x.canvas === e.target);
    if (c)
      c.near = e.isIntersecting;
    if (c && c.near && c.stale !== false) {
      c.stale = false;
      drawChart(c);
    }
  }
}, { rootMargin: '300px' });

/* The rest of the page answers first. */
let waiting = 0;
function redraw() {
  clearTimeout(waiting);
  waiting = setTimeout(redrawNow, 50);
}

function redrawNow() {
  for (const c of charts) {
    c.stale = !c.near;
    if (c.near)
      drawChart(c);
  }
}

const short = name => name.length > 28 ? '…' + name.slice(-27) : name;

function along() {
  const list = nodes.filter(n => typeof n[state.metric] === 'number');
  const keys = [state.metric, ...(last(state.metric) === 'cosine_mean' ? ['cosine_min'] : [])];
  return {
    type: 'line',
    data: { labels: list.map((n, i) => i), datasets: keys.map((k, i) => ({ label: word(last(k)), data: list.map(n => n[k]),
      borderColor: lineColour(i), backgroundColor: lineColour(i), borderWidth: 1.6, pointRadius: list.length > 200 ? 0 : 2 })) },
    options: { interaction: { mode: 'index', intersect: false }, scales: { x: { title: { display: true, text: word('node_index') } }, y: {} },
      plugins: { tooltip: { callbacks: { title: t => list[t[0].dataIndex].node } } } },
  };
}

/* What is close to 1 where it is good is shown by what is missing to 1. */
function bars(list, key) {
  const missing = /cosine|agreement/.test(last(key)), name = (missing ? '1 − ' : '') + word(last(key));
  return {
    type: 'bar',
    data: { labels: list.map(n => short(n.node)),
      datasets: [{
        label: name, data: list.map(n => missing ? 1 - n[key] : n[key]), backgroundColor: lineColour(0),
      }] },
    options: { indexAxis: 'y', plugins: { legend: { display: false }, tooltip: { callbacks: { title: t => list[t[0].dataIndex].node } } },
      scales: { x: { title: { display: true, text: name } }, y: { ticks: { autoSkip: false } } } },
  };
}

const worst = () => worstFirst().slice(0, 15);
const slowest = () => nodes.filter(n => n.median_ms > 0).sort((a, b) => b.median_ms - a.median_ms).slice(0, 15);

function curves() {
  return {
    type: 'line',
    data: { labels: result.nodes.map((n, i) => i), datasets: result.curves.map((c, i) => ({ label: c.label, data: c['cosine-similarity'],
      borderColor: lineColour(i), backgroundColor: lineColour(i), borderDash: i > 5 ? [5, 3] : [], borderWidth: 1.6, pointRadius: 0 })) },
    options: { interaction: { mode: 'index', intersect: false }, scales: { x: { title: { display: true, text: word('node_index') } },
      y: { title: { display: true, text: word('cosine-similarity') } } },
      plugins: { tooltip: { callbacks: { title: t => result.nodes[t[0].dataIndex] } } } },
  };
}

const splitRows = () => rowTables.flatMap(([, rows]) => rows).filter(r => isObject(r.parts)).slice(0, 15);

function splits() {
  const rows = splitRows(), keys = Object.keys(rows[0].parts);
  const all = r => keys.reduce((a, k) => a + Math.abs(r.parts[k] || 0), 0) || 1;
  return {
    type: 'bar',
    data: { labels: rows.map(r => short(r.node.replace(SUFFIX, ''))), datasets: keys.map((k, i) => ({ label: word(k),
      data: rows.map(r => 100 * (r.parts[k] || 0) / all(r)), backgroundColor: lineColour(i) })) },
    options: { indexAxis: 'y', scales: { x: { stacked: true, title: { display: true, text: '%' } }, y: { stacked: true, ticks: { autoSkip: false } } } },
  };
}

function allCharts() {
  const list = [];
  if (state.metric && nodes.length > 1) {
    list.push(chart('along', along, i => choose(nodes.filter(n => typeof n[state.metric] === 'number')[i])));
    list.push(chart('worst_nodes', () => bars(worst(), state.metric), i => choose(worst()[i])));
  }
  if (slowest().length && state.metric !== 'median_ms')
    list.push(chart('slowest', () => bars(slowest(), 'median_ms'), i => choose(slowest()[i])));
  if (Array.isArray(result.curves) && Array.isArray(result.nodes))
    list.push(chart('curves', curves));
  if (splitRows().length)
    list.push(chart('parts', splits, i => choose(nodeOf(splitRows()[i].node))));
  for (const c of charts)
    seen.observe(c.canvas);
  return list;
}

/* Bars of a tensor's values: {lo, hi, float: [...], quantized: [...]}. */
function histogramChart(row) {
  const h = row.histogram;
  return smallChart('distribution', () => ({
    type: 'line',
    data: { labels: h.float.map((x, i) => number(Number((h.lo + (h.hi - h.lo) * (i + 0.5) / h.float.length).toPrecision(3)))),
      datasets: ['float', 'quantized'].filter(k => h[k]).map((k, i) => ({ label: word(k), data: h[k], stepped: true, pointRadius: 0, borderWidth: 1.4,
        borderColor: lineColour(i), backgroundColor: lineColour(i) })) },
    options: { scales: { x: {}, y: { ticks: { display: false } } } } }));
}

/* [least, quartile, median, quartile, most, mean] of each channel. */
function channelChart(row) {
  const line = (i, colour, width) => ({ data: row.channels.map(b => b[i]), borderColor: lineColour(colour), borderWidth: width, pointRadius: 0 });
  return smallChart('channel_boxes', () => ({
    type: 'line',
    data: { labels: row.channels.map((b, i) => i), datasets: [line(0, 0, 1), line(1, 2, 1), line(2, 1, 2), line(3, 2, 1), line(4, 0, 1)] },
    options: { plugins: { legend: { display: false } }, scales: { x: {}, y: {} } } }));
}

/* One within the details. */
function smallChart(key, make) {
  const canvas = el('canvas', { role: 'img', 'aria-label': word(key) });
  const box = el('div', { class: 'small' }, canvas);
  box.style.height = '11rem';
  requestAnimationFrame(() => canvas.isConnected && drawChart({ canvas, key, make }));
  return box;
}
