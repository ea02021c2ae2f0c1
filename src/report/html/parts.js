/* Elements, numbers, tables. Text becomes text nodes only: nothing of a model is ever markup. */
const $ = id => document.getElementById(id);

function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {}))
    if (k.startsWith('on'))
      e.addEventListener(k.slice(2), v);
    else if (v !== null && v !== undefined && v !== false)
      e.setAttribute(k, v === true ? '' : v);
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}

function svg(tag, attributes, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [k, v] of Object.entries(attributes))
    e.setAttribute(k, v);
  e.append(...children);
  return e;
}

function number(x) {
  if (Number.isInteger(x) && Math.abs(x) < 1e15)
    return x.toLocaleString('en-US');
  const size = Math.abs(x);
  return size >= 1e-4 && size < 1e7 ? String(Number(x.toPrecision(6))) : x.toExponential(4);
}

function text(x) {
  if (x === null || x === undefined)
    return '–';
  if (typeof x === 'number')
    return number(x);
  if (typeof x === 'boolean')
    return word(x ? 'yes' : 'no');
  if (Array.isArray(x))
    return x.length > 12 ? `(${x.length})` : x.map(text).join(x.every(i => typeof i === 'number') ? ' … ' : '; ');
  return typeof x === 'object' ? Object.values(x).map(text).join(' · ') : String(x);
}

const isObject = x => x !== null && typeof x === 'object' && !Array.isArray(x);
const isTable = x => Array.isArray(x) && x.length > 0 && x.every(isObject);

/* {a: {b: 1}} as {"a.b": 1}. */
function flat(o, prefix = '', out = {}, depth = 0) {
  for (const [k, v] of Object.entries(o))
    if (isObject(v) && depth < 3)
      flat(v, `${prefix}${k}.`, out, depth + 1);
    else
      out[prefix + k] = v;
  return out;
}

/* A title that may have a path: its last word is known. */
function title(key) {
  const at = key.lastIndexOf('.');
  const e = el('span', null);
  if (at > 0)
    e.append(known(key.slice(0, at)) ? say(key.slice(0, at)) : key.slice(0, at), ' ');
  e.append(say(key.slice(at + 1)));
  return e;
}

const FIRST_ROWS = 100;

/* "conv sqnr<20": every word must be in a cell, or hold for a column. */
function matcher(query, columns) {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map(part => {
    const m = /^(.+?)(<=|>=|<|>|=)(.+)$/.exec(part);
    const column = m && columns.find(c => c.toLowerCase() === m[1] || word(c).toLowerCase() === m[1]);
    if (!column || Number.isNaN(Number(m[3])))
      return row => row.words.includes(part);
    const n = Number(m[3]);
    const holds = { '<': x => x < n, '>': x => x > n, '=': x => x === n, '<=': x => x <= n, '>=': x => x >= n }[m[2]];
    return row => typeof row.cells[column] === 'number' && holds(row.cells[column]);
  });
  return row => tests.every(t => t(row));
}

function compare(a, b) {
  const none = x => x === null || x === undefined || x === '';
  if (none(a) || none(b))
    return none(a) - none(b);
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
}

class Table {
  /* objects: rows; how.first: column that is a button, how.pick(row's object): it was chosen; how.order */
  constructor(objects, how = {}) {
    this.how = how;
    const keys = new Map();
    this.rows = objects.map((object, i) => {
      const cells = flat(object);
      delete cells.$;
      for (const [k, v] of Object.entries(cells)) {
        const c = keys.get(k) || { number: true, used: false };
        c.used ||= v !== null && v !== undefined && !(Array.isArray(v) && !v.length);
        c.number &&= v === null || typeof v === 'number';
        keys.set(k, c);
      }
      return { object, cells, i, words: Object.values(cells).filter(x => typeof x !== 'number').map(text).join(' ').toLowerCase() };
    });
    this.columns = [...keys].filter(([, c]) => c.used).map(([k]) => k);
    this.numbers = new Set([...keys].filter(([, c]) => c.number).map(([k]) => k));
    this.shown = this.rows;
    this.limit = FIRST_ROWS;
    this.body = el('tbody', null);
    this.counted = document.createTextNode('');
    this.count = el('span', { class: 'quiet', role: 'status' }, this.counted, ' ', say('rows'));
    this.all = el('button', { type: 'button', class: 'more', onclick: () => { this.limit = Infinity; this.draw(); } }, say('show_all'));
    this.element = el('div', { class: 'table' }, this.bar(), el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': how.name || 'table' },
      el('table', null, el('thead', null, el('tr', null, ...this.columns.map(k => this.head(k)))), this.body)));
    this.draw();
    if (this.rows.some(r => Object.values(r.cells).some(x => typeof x === 'boolean')))
      spoken.push(() => this.draw());
  }

  bar() {
    const input = el('input', { type: 'search', oninput: () => this.filter(input.value), size: 24 });
    const hint = el('span', { class: 'quiet' }, '(', say('filter_hint'), ')');
    return el('div', { class: 'bar' }, el('label', null, say('filter'), ' ', input), hint, this.count, this.all);
  }

  head(key) {
    return el('th', { scope: 'col', class: this.numbers.has(key) ? 'number' : null, 'data-key': key, 'aria-sort': 'none' },
      el('button', { type: 'button', onclick: () => this.sort(key) }, title(key), el('span', { class: 'arrow', 'aria-hidden': 'true' })));
  }

  filter(query) {
    const test = matcher(query, this.columns);
    this.shown = this.rows.filter(test);
    this.draw();
  }

  sort(key) {
    this.down = this.key === key ? !this.down : this.numbers.has(key);
    this.key = key;
    const sign = this.down ? -1 : 1;
    const none = x => x === null || x === undefined;
    const order = (a, b) => {
      const x = a.cells[key], y = b.cells[key];
      return none(x) || none(y) ? none(x) - none(y) : sign * compare(x, y) || a.i - b.i;
    };
    this.rows = [...this.rows].sort(order);
    this.shown = [...this.shown].sort(order);
    for (const th of this.element.querySelectorAll('th')) {
      const mine = th.dataset.key === key;
      th.setAttribute('aria-sort', !mine ? 'none' : this.down ? 'descending' : 'ascending');
      th.querySelector('.arrow').textContent = !mine ? '' : this.down ? ' ▼' : ' ▲';
    }
    this.draw();
  }

  cell(row, key) {
    const x = row.cells[key];
    if (key === this.how.first)
      return el('td', { title: text(x) }, el('button',
        { type: 'button', onclick: () => this.how.pick(row.object) }, text(x) || say('unnamed')));
    const t = text(x);
    const kind = this.numbers.has(key) ? 'number' : t.length > 60 ? 'wrap' : null;
    return el('td', { class: kind }, t);
  }

  draw() {
    const rows = this.shown.slice(0, this.limit);
    this.body.replaceChildren(...rows.map(r => {
      const tr = el('tr', { class: this.how.alert && this.how.alert(r.object) ? 'alert' : null }, ...this.columns.map(k => this.cell(r, k)));
      r.element = tr;
      if (this.chosen === r.object)
        tr.classList.add('chosen');
      return tr;
    }));
    this.counted.data = `${rows.length === this.shown.length ? '' : rows.length + ' / '}${this.shown.length}`;
    this.all.hidden = rows.length === this.shown.length;
  }

  choose(object) {
    this.chosen = object;
    for (const r of this.rows)
      if (r.element)
        r.element.classList.toggle('chosen', r.object === object);
  }
}

function pairs(list) {
  return el('dl', { class: 'pairs' }, ...list.flatMap(([k, v]) => [el('dt', null, say(k)), el('dd', null, text(v))]));
}

/* The same, where keys are names. */
function named(list) {
  const entries = list.flatMap(([k, v]) => [el('dt', null, k), el('dd', null, text(v))]);
  return el('dl', { class: 'pairs' }, ...entries);
}

function copyButton(get) {
  const label = say('copy');
  const button = el('button', { type: 'button' }, label);
  button.addEventListener('click', async () => {
    const area = el('textarea', null);
    area.value = get();
    try {
      await navigator.clipboard.writeText(area.value);
    } catch {
      button.after(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    label.data = word('copied');
    setTimeout(() => { label.data = word('copy'); }, 1500);
  });
  return button;
}
