/* The drawing of the network, and the details of one node. */
const RAMPS = {
  light: ['#e9f1f8', '#fde9bd', '#f9bd73', '#e2662e', '#9c111b'],
  dark: ['#243342', '#574a25', '#93581e', '#d86a2e', '#ffb3a8'],
};

function isDark() {
  const t = document.documentElement.dataset.theme;
  return t === 'dark' || (t !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
}

const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));

function ramp(t) {
  const colours = RAMPS[isDark() ? 'dark' : 'light'];
  const at = Math.min(t, 0.9999) * (colours.length - 1), i = Math.floor(at);
  const a = rgb(colours[i]), b = rgb(colours[i + 1]);
  return a.map((x, k) => Math.round(x + (b[k] - x) * (at - i)));
}

function luminance(c) {
  const [r, g, b] = c.map(x => x / 255 <= 0.03928 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/* Black or white: at least 4.58:1 on any colour. */
const ink = c => luminance(c) > 0.179 ? '#000000' : '#ffffff';

/* A name without the operator that ends it: it stands above. */
function shortName(n) {
  const parts = n.name.split('/').filter(Boolean);
  if (parts.length > 1 && parts[parts.length - 1].replace(/_\d+$/, '').toLowerCase() === n.type.toLowerCase())
    return parts.slice(0, -1).join('/');
  return parts.join('/') || n.name;
}

class Drawing {
  constructor() {
    this.shapes = new Map();
    this.svg = svg('svg', { role: 'group', tabindex: '0', preserveAspectRatio: 'xMidYMid meet' });
    this.edges = net.edges.map(e => this.edge(e));
    this.touching = net.nodes.map(() => []);
    for (const e of this.edges) {
      this.touching[e.from].push(e);
      this.touching[e.to].push(e);
    }
    this.near = [];
    this.svg.append(svg('g', {}, ...this.edges.map(e => e.path)), svg('g', {}, ...net.nodes.map(n => this.node(n))));
    this.element = el('div', { class: 'drawing' }, this.svg);
    this.listen();
    this.colour();
    choosers.push((node, from) => this.choose(node, from));
  }

  edge(e) {
    const [from, to, ...p] = e, a = net.nodes[from], b = net.nodes[to];
    let d = '';
    if (p.length)
      for (let i = 0; i + 1 < p.length; i += 2)
        d += i === 0 ? `M${p[0]} ${p[1]}C` : `${p[i]} ${p[i + 1]} `;
    const ya = a.y + a.h / 2, yb = b.y - b.h / 2, mid = (ya + yb) / 2;
    return { from, to, path: svg('path', { class: 'edge', d: d || `M${a.x} ${ya}C${a.x} ${mid} ${b.x} ${mid} ${b.x} ${yb}` }) };
  }

  node(n) {
    const name = shortName(n), room = Math.floor(n.w / 6.3);
    const cut = name.length > room ? '…' + name.slice(name.length - room + 1) : name;
    const kind = svg('text', { class: 'kind', x: n.x, y: n.y - 3 }), line = svg('text', { x: n.x, y: n.y + 11 }), tip = svg('title', {});
    kind.textContent = n.type.slice(0, Math.floor(n.w / 7));
    line.textContent = cut;
    tip.textContent = `${n.type} ${n.name}`;
    const rect = svg('rect', { x: n.x - n.w / 2, y: n.y - n.h / 2, width: n.w, height: n.h });
    if (!n.integer)
      rect.setAttribute('stroke-dasharray', '4 3');
    const g = svg('g', { class: 'node' }, tip, rect, kind, line);
    g.$node = byName.get(n.name);
    this.shapes.set(g.$node, { g, rect, lines: [kind, line] });
    return g;
  }

  colour() {
    const ends = state.metric && span(state.metric), style = getComputedStyle(document.documentElement);
    const none = style.getPropertyValue('--plain').trim();
    for (const [node, s] of this.shapes) {
      const t = badness(node, state.metric, ends), c = t === null ? rgb(none) : ramp(t);
      s.rect.setAttribute('fill', `rgb(${c})`);
      for (const line of s.lines)
        line.setAttribute('fill', ink(c));
    }
  }

  /* ---- what is seen of it ---- */

  view(x, y, w) {
    const box = this.element.getBoundingClientRect(), shape = box.width > 0 ? box.height / box.width : 0.6;
    this.at = { x, y, w, h: w * shape };
    this.svg.setAttribute('viewBox', `${x} ${y} ${w} ${w * shape}`);
  }

  fit() {
    const box = this.element.getBoundingClientRect(), shape = box.width > 0 ? box.height / box.width : 0.6;
    const w = Math.max(net.width, net.height / shape) * 1.04;
    this.view((net.width - w) / 2, (net.height - w * shape) / 2, w);
  }

  zoom(by, cx = 0.5, cy = 0.5) {
    const a = this.at, w = Math.min(Math.max(a.w * by, 150), 60 * Math.max(net.width, net.height, 400));
    this.view(a.x + (a.w - w) * cx, a.y + (a.h - w * a.h / a.w) * cy, w);
  }

  show(node) {
    const n = node.$.drawn;
    if (!n)
      return;
    const w = Math.min(this.at ? this.at.w : 1e9, 1000), h = w * this.at.h / this.at.w;
    const inside = n.x > this.at.x && n.x < this.at.x + this.at.w && n.y > this.at.y && n.y < this.at.y + this.at.h;
    if (!inside || this.at.w > 2600)
      this.view(n.x - w / 2, n.y - h / 2, w);
  }

  /* Readable: all of a small network, else the surroundings of the worst node. */
  open() {
    this.fit();
    const worst = worstFirst()[0] || nodes[0];
    choose(worst, this);
    if (this.at.w > 2600 && worst && worst.$.drawn)
      this.view(worst.$.drawn.x - 500, worst.$.drawn.y - 500 * this.at.h / this.at.w, 1000);
  }

  choose(node, from) {
    if (this.chosen)
      this.chosen.g.classList.remove('chosen');
    this.chosen = node && this.shapes.get(node);
    if (this.chosen)
      this.chosen.g.classList.add('chosen');
    const drawn = node && node.$.drawn;
    for (const e of this.near)
      e.path.classList.remove('near');
    this.near = drawn ? this.touching[net.nodes.indexOf(drawn)] : [];
    for (const e of this.near)
      e.path.classList.add('near');
    if (node && from !== this)
      this.show(node);
  }

  /* ---- mouse and keys ---- */

  listen() {
    let start = null;
    const d = this.element;
    d.addEventListener('pointerdown', e => { start = { x: e.clientX, y: e.clientY, at: this.at, moved: false }; });
    d.addEventListener('pointermove', e => {
      if (!start || !e.buttons)
        return;
      const k = this.at.w / d.clientWidth, dx = e.clientX - start.x, dy = e.clientY - start.y;
      start.moved ||= Math.abs(dx) + Math.abs(dy) > 4;
      if (start.moved)
        this.view(start.at.x - dx * k, start.at.y - dy * k, start.at.w);
    });
    d.addEventListener('click', e => {
      const g = e.target.closest('.node');
      if (g && !(start && start.moved))
        choose(g.$node, this);
      start = null;
    });
    d.addEventListener('wheel', e => {
      const box = d.getBoundingClientRect();
      if (!e.ctrlKey)
        return;
      e.preventDefault();
      this.zoom(Math.exp(e.deltaY / 300), (e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height);
    }, { passive: false });
    this.svg.addEventListener('keydown', e => this.key(e));
  }

  key(e) {
    const acts = { '+': () => this.zoom(0.8), '=': () => this.zoom(0.8), '-': () => this.zoom(1.25), 0: () => this.fit() };
    const ways = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    if (acts[e.key])
      acts[e.key]();
    else if (ways[e.key])
      this.step(...ways[e.key]);
    else
      return;
    e.preventDefault();
  }

  /* Along an edge, or to the nearest node beside. */
  step(dx, dy) {
    const now = (state.chosen && state.chosen.$.drawn) || null;
    if (!now)
      return choose(worstFirst()[0] || nodes[0]);
    const i = net.nodes.indexOf(now);
    let to = null;
    if (dy > 0)
      to = this.edges.find(e => e.from === i)?.to;
    else if (dy < 0)
      to = this.edges.find(e => e.to === i)?.from;
    else {
      const beside = net.nodes.filter(n => n !== now && Math.abs(n.y - now.y) < 60 && (n.x - now.x) * dx > 0);
      beside.sort((a, b) => Math.abs(a.x - now.x) - Math.abs(b.x - now.x));
      to = beside.length ? net.nodes.indexOf(beside[0]) : null;
    }
    if (to !== null && to !== undefined)
      choose(byName.get(net.nodes[to].name));
  }
}

/* ---- details ---- */

function valueLine(i) {
  const v = net.values[i];
  const scale = v.scales ? ` · ${word('scale')} ${v.scales > 1 ? `${number(v.scale)} … ${number(v.scale_max)} (${v.scales})` : number(v.scale)}` +
    ` · ${word('zero')} ${v.zero}` : '';
  return el('li', null, el('b', null, v.name), ` ${v.dtype} ${v.shape.join('×')}${scale}`);
}

function nodeButtons(list) {
  return el('ul', null, ...list.map(n => el('li', null,
    el('button', { type: 'button', onclick: () => choose(byName.get(n.name)) }, `${n.type} ${n.name}`))));
}

function block(key, ...children) {
  return [el('h4', null, say(key)), ...children];
}

function partBars(parts) {
  const all = Object.values(parts).reduce((a, b) => a + Math.abs(b || 0), 0);
  return Object.entries(parts).map(([k, v]) => {
    const bar = el('i', null);
    bar.style.width = `${all > 0 ? 100 * Math.abs(v || 0) / all : 0}%`;
    return el('div', { class: 'part' }, el('span', null, say(k)), el('span', null, bar), el('span', null, `${all > 0 ? (100 * (v || 0) / all).toFixed(1) : 0} %`));
  });
}

function detailsOf(node) {
  const out = [el('h3', null, node.node)];
  const known = Object.entries(node).filter(([k]) => k !== 'node');
  out.push(el('dl', null, ...known.flatMap(([k, v]) => [el('dt', null, title(k)), el('dd', null, text(v))])));
  for (const row of node.$.rows) {
    if (isObject(row.parts))
      out.push(...block('error_parts', ...partBars(row.parts)));
    if (isObject(row.histogram))
      out.push(...block('distribution', histogramChart(row)));
    if (Array.isArray(row.channels) && row.channels.length > 1)
      out.push(...block('channel_boxes', channelChart(row)));
  }
  const n = node.$.drawn;
  if (!n)
    return out;
  const unique = list => [...new Set(list)];
  const before = unique(n.in.map(v => links.makers.get(v)).filter(Boolean));
  const after = unique(n.out.flatMap(v => links.readers.get(v) || []));
  const reads = n.in.filter(v => !net.values[v].constant), constants = n.in.filter(v => net.values[v].constant);
  for (const [key, list] of [['reads', reads], ['constants', constants], ['makes', n.out]])
    if (list.length)
      out.push(...block(key, el('ul', null, ...unique(list).map(valueLine))));
  for (const [key, list] of [['before', before], ['after', after]])
    if (list.length)
      out.push(...block(key, nodeButtons(list)));
  return out;
}

function detailsPanel() {
  const panel = el('aside', { class: 'details', tabindex: '0', 'aria-live': 'polite' }, el('p', { class: 'quiet' }, say('pick')));
  const show = node => {
    if (node)
      panel.replaceChildren(...detailsOf(node));
  };
  choosers.push(node => {
    show(node);
    panel.scrollTop = 0;
  });
  spoken.push(() => show(state.chosen));
  return panel;
}
