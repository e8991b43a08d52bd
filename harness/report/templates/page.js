// Draws what the page holds as data. Text of rows becomes text nodes only; fragments were escaped where they were made.
(() => {
  const WINDOW = 100;
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const on = (target, kind, act, early) => target.addEventListener(kind, act, early);
  const range = (start, size) => [...Array(size).keys()].map((i) => i + start);
  const [home, view, field, found] = ["#overview", "#view", "#search", "#found"].map((one) => $(one));
  const root = document.documentElement, unhide = (node) => all(".scripted", node).forEach((one) => (one.hidden = false));

  const loaded = {};
  const island = (id) => (loaded[id] ??= $(`#${id}`) && inflate($(`#${id}`).textContent).then(JSON.parse));
  function inflate(text) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = raw.length; i--; ) bytes[i] = raw.charCodeAt(i);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  }
  const parse = (text) => new DOMParser().parseFromString(text, "text/html").body;
  const piece = async (name, number, size) => {
    const [pieces, made] = (await island(`${name}-${(number - number % size) / size}`)) || [0, []];
    return made[number % size]?.map((i) => pieces[i]).join("");
  };
  // Sections are parsed when they are asked for: that of the failing cases may have a megabyte.
  const pictures = async (number) => parse(await island(`pictures-${number}`)).childNodes;
  let sections;
  function fixed(id) {
    sections ??= $("#static").textContent.split(/^(?=<section )/m).map((text) => [text]);
    const one = sections.find(([text]) => text.includes(`"${id.replaceAll("'", "&#39;")}"`));
    return one && all("[id]", (one[1] ??= parse(one[0]))).find((node) => node.id === id)?.closest("section, article").cloneNode(true);
  }

  const seen = (value) =>
    String(value).replace(/[^\P{C}\n\t]|[\u2028\u2029]/gu, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
  const score = (value) => value?.toFixed(3) ?? "—";
  // The first call of toLocaleString takes 30 ms.
  const short = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

  function make(tag, given, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given || {})) if (value !== undefined) made.setAttribute(name, seen(value));
    made.append(...children.map((child) => (child instanceof Node ? child : seen(child ?? ""))));
    return made;
  }
  const chip = (status) => make("span", { class: `chip chip-${status}` }, status);
  const button = (text, kind, about) => make("button", { class: kind, "aria-label": `${text} ${about}` }, text);
  // A narrow screen breaks a name between its parts.
  const link = (nodeid, text = nodeid) => make("a", { href: `#/case/${encodeURIComponent(nodeid)}` }, ...text.split(/(?<=[/_:.-])(?!:)/).flatMap((a) => [a, make("wbr")]));
  const line = (kind, ...parts) => make("p", { class: kind }, ...parts), note = (...parts) => line("note", ...parts);
  const coded = (text) => text.split(/(?<=[ (])`([^`]+)`(?!["'\w])/).map((part, i) => (i % 2 ? make("code", 0, part) : part));
  const split = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const cell = (head, ...content) => make("td", { "data-head": head }, ...content);
  function choose(label, values, now, act, first) {
    const select = make("select", { "aria-label": label }, ...(first ? ["", ...values] : values).map((value) => make("option", { value }, value || first)));
    select.value = now;
    on(select, "change", () => act(select.value));
    return select;
  }

  // Addresses: a path, and after `?` the state of its table

  const address = () => location.hash.slice(1).split("?");
  async function show() {
    const [path, query] = address(), goal = path || "/", inside = goal === "/";
    found.hidden = true;
    if (goal[0] !== "/") return;
    const node = inside ? null : await page(path, new URLSearchParams(query));
    if (path !== address()[0]) return;
    home.hidden = !inside;
    view.hidden = inside;
    view.replaceChildren(...(node ? [node] : []));
    for (const one of all("nav a")) one.toggleAttribute("aria-current", one.hash.slice(1) === goal);
    const heads = all("h2, h3, h4, h5", view), top = heads[0]?.tagName[1] - 1;
    for (const head of heads) [head.role, head.ariaLevel] = ["heading", head.tagName[1] - top];
    document.title = `${$("h1, h2, h3", inside ? home : view)?.textContent || path} · Crucible`;
    if (path) $("#main").focus({ preventScroll: true });
    (document.getElementById(path) ?? root).scrollIntoView();
  }
  async function page(path, query) {
    if (path === "/compare") return compare(query);
    const node = path.startsWith("/case/") ? await caseOf(path) : path === "/trends" ? (await pictures(0))[0] : fixed(path);
    if (!node) return note("no such place");
    const suite = node.dataset.suite;
    if (suite) {
      await board(node, query);
      node.append(...(await pictures(+suite + 1)));
    }
    return dress(node);
  }
  async function caseOf(path) {
    const { columns, cases } = await island("rows");
    let nodeid = path.slice(6);
    try { nodeid = decodeURIComponent(nodeid); } catch {}
    const i = columns.nodeid.indexOf(nodeid);
    const text = columns.details[i] != null && (await piece("details", columns.details[i], cases));
    // An address typed by hand may have its slashes and colons as they are.
    const node = text ? parse(text).firstChild : fixed(link(nodeid).hash.slice(1));
    if (node || i < 0) return node;
    // Only the most urgent cases are here in full; the command has no seed, so it cannot name another run's.
    const key = /^[\w.:/-]+$/.test(nodeid) ? nodeid : columns.digest[i];
    return make("article", { class: "case" }, make("h2", 0, nodeid, " ", chip(columns.status[i])), ...coded(columns.why[i]), line("command", make("code", 0, `crucible show ${key}`)));
  }

  // Buttons of figures, tables and commands

  // A cell is a node, a string, or a number: a small one, or a list with one as it is shown.
  const tabled = (heads, rows, kind) =>
    make("table", { class: kind }, make("thead", 0, make("tr", 0, ...heads.map((text) => make("th", { scope: "col" }, text)))), make("tbody", 0,
      ...rows.map((cells) => make("tr", 0, ...cells.map((one) => (one instanceof Node ? one : make("td", { class: one.big ? "" : "num" }, one)))))));
  function dress(node) {
    unhide(node);
    for (const one of all("data", node)) one.replaceWith(tabled(...JSON.parse(one.textContent)));
    for (const one of all(".command", node)) one.append(" ", button("copy", "copy", one.textContent));
    for (const one of all("figure", node)) {
      const kinds = ["SVG", "PNG", "CSV"].filter((kind) => $(kind === "CSV" ? "table" : "svg.chart", one));
      $("figcaption", one).append(make("span", { class: "tools" }, ...kinds.map((kind) => button(kind, "save", one.dataset.name))));
    }
    for (const one of all("table.rows", node)) one.parentElement.before(make("span", { class: "tools bar-tools" }, button("CSV", "save", "table")));
    return node;
  }
  function save(name, content, type) {
    make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name }).click();
  }
  const safe = (text) => (/^[=+\-@\t\r]/.test(text) && isNaN(text) ? `'${text}` : text);
  const csv = (rows) => rows.map((row) => row.map((text) => `"${safe(String(text ?? "")).replaceAll('"', '""')}"`).join(",")).join("\r\n");
  function picture(svg) {
    const copy = svg.cloneNode(true), [, , width, height] = svg.getAttribute("viewBox").split(" "), to = [copy, ...all("*", copy)];
    [svg, ...all("*", svg)].forEach((one, i) => {
      const style = getComputedStyle(one);
      for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size"]) to[i].setAttribute(name, style[name]);
    });
    copy.setAttribute("width", width * 2);
    copy.setAttribute("height", height * 2);
    return new XMLSerializer().serializeToString(copy);
  }
  function paint(name, text) {
    const image = new Image();
    image.onload = () => {
      const canvas = make("canvas", { width: image.width, height: image.height }), pen = canvas.getContext("2d");
      pen.fillStyle = getComputedStyle(root).backgroundColor;
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0);
      canvas.toBlob((blob) => save(name, blob, "image/png"));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }
  async function keep(one) {
    const figure = one.closest("figure"), kind = one.textContent, suite = one.closest("[data-suite]");
    const name = `${(figure?.dataset.name || address()[0].slice(1)).replace(/\W+/g, "-") || "table"}.${kind.toLowerCase()}`;
    if (kind === "SVG") return save(name, picture($("svg.chart", figure)), "image/svg+xml");
    if (kind === "PNG") return paint(name, picture($("svg.chart", figure)));
    let rows;
    if (suite && !figure) {
      const { suites, columns } = await island("rows"), { start, size } = suites[suite.dataset.suite], names = Object.keys(columns);
      rows = [names, ...range(start, size).map((i) => names.map((n) => columns[n][i]))];
    } else {
      const table = $("table", figure || one.parentElement.nextElementSibling);
      rows = all("tr", table).map((row) => all("th, td", row).map((part) => part.textContent.trim()));
    }
    save(name, csv(rows), "text/csv");
  }

  // The table of a suite

  function row({ columns, shown, heads, numeric }, names, i) {
    const c = (name) => columns[name][i], made = make("tr", { class: c("verdict") });
    const name = make("th", { scope: "row" }, link(c("nodeid"), c("candidate")), " ", make("code", { class: "digest" }, c("digest")));
    if (c("why")) name.append(make("span", { class: "why" }, ...coded(c("why"))));
    made.append(make("td", { class: "num rank", title: c("unconfirmed") }, c("rank")), name);
    for (const n of names) {
      const one = n === "status" ? cell(heads[n], chip(c(n)), c("reused") && " reused") : cell(heads[n], shown[n][i]);
      if (numeric.includes(n)) one.className = "num";
      made.append(one);
    }
    return made;
  }
  function by(values, reverse) {
    const empty = (value) => (value ?? "") === "";
    return (a, b) => {
      const x = values[a], y = values[b];
      // What was not measured comes last, either way.
      return empty(x) - empty(y) || (x < y ? -1 : x > y) * (reverse ? -1 : 1) || a - b;
    };
  }
  async function board(node, query) {
    const data = await island("rows"), { columns } = data, suite = data.suites[node.dataset.suite], table = $("table.board", node);
    if (!table) return;
    const places = range(suite.start, suite.size), state = { q: "", status: "", style: "", group: "", ...Object.fromEntries(query) };
    let shown = WINDOW;
    const count = make("output"), more = make("button", 0, "More"), box = make("input", { type: "checkbox" });
    const text = make("input", { type: "search", "aria-label": "Filter by text", placeholder: "Filter by text", value: state.q });
    const choices = ["status", "style", "group"].map((name) => [name, [...new Set(places.map((i) => columns[name][i]))].filter(Boolean).sort()]);
    const selects = choices.filter(([, values]) => values[1]).map(([name, values]) => choose(name, values, state[name], (value) => change({ [name]: value }), `any ${name}`));
    box.checked = state.changed;
    on(box, "change", () => change({ changed: box.checked ? "1" : "" }));
    table.parentElement.before(line("tools filters", text, ...selects, make("label", 0, box, " changed only"), count));
    table.parentElement.after(more);
    $(".more", node)?.remove();
    const heads = all("thead th", table), keys = ["rank", "candidate", ...suite.columns];
    heads.forEach((head, number) => {
      const key = keys[number], sorter = make("button", { class: "sort" }, ...head.childNodes);
      on(sorter, "click", () => change({ sort: key, dir: (state.sort === key ? !state.dir : /score|held|delta/.test(key)) ? "1" : "" }));
      head.append(sorter);
    });
    function change(values) {
      Object.assign(state, values);
      shown = WINDOW;
      const given = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
      history.replaceState(null, "", `#${address()[0]}${given.size ? `?${given}` : ""}`);
      refresh();
    }
    function refresh() {
      const words = split(state.q), names = ["nodeid", "status", "style", "why", "digest"];
      const fits = (i) =>
        choices.every(([name]) => !state[name] || columns[name][i] === state[name]) && (!state.changed || columns.changed[i]) &&
        words.every((word) => names.some((name) => columns[name][i].toLowerCase().includes(word)));
      const chosen = places.filter(fits), sort = state.sort || "rank";
      if (sort !== "rank") chosen.sort(by(columns[sort] || [], state.dir));
      else if (state.dir) chosen.reverse();
      heads.forEach((head, number) => (head.ariaSort = keys[number] === sort ? (state.dir ? "descending" : "ascending") : null));
      $("tbody", table).replaceChildren(...chosen.slice(0, shown).map((i) => row(data, suite.columns, i)));
      count.textContent = `${short(chosen.length)} of ${short(suite.size)} candidates`;
      more.hidden = chosen.length <= shown;
    }
    on(text, "input", () => change({ q: text.value }));
    on(more, "click", () => refresh((shown += WINDOW)));
    refresh();
  }

  // Any two runs, case by case

  async function compare(query) {
    const { runs, nodeids, cells, gates, least } = await island("history"), node = fixed("/compare");
    if (!runs[1]) return node.append(note("no other run")), node;
    const now = { a: runs[1], b: runs[0], ...Object.fromEntries(query) };
    const select = (key, label) => choose(label, runs, now[key], (value) => (location.hash = `/compare?${new URLSearchParams({ ...now, [key]: value })}`));
    const [[a, g], [b, h]] = Object.values(now).map((run) => [cells[runs.indexOf(run)] || [], gates[run] || {}]), sums = {};
    const rows = nodeids.flatMap((nodeid, i) => {
      const x = a[i] || [], y = b[i] || [], [before, , was, held, low, high] = x, [after, , is, holds, bottom, top] = y;
      if (String(x.slice(0, 4)) === String(y.slice(0, 4))) return [];
      // As `find_changes` decides: a score has moved where three digits show it and the two intervals do not meet.
      const by = (after ?? NaN) - (before ?? NaN), shown = Math.abs(by) >= least, moved = shown && (low > top || bottom > high);
      const kind = !held ? "new" : !holds ? "gone" : held !== holds ? `${held} → ${holds}` : moved ? (by > 0 ? "better" : "worse") : was === is ? "within noise" : "edited";
      sums[kind] = -~sums[kind];
      const change = `${isNaN(by) ? "—" : shown ? (by > 0 ? "+" : "") + by.toFixed(3) : "="}${shown && !moved ? " within noise" : ""}${was && is && was !== is ? " edited" : ""}`;
      return [{ nodeid, x, y, change, size: holds ? 9 * (held !== holds) * (1 + (holds === "fail")) + Math.abs(by || 0) : -1 }];
    });
    rows.sort((one, other) => other.size - one.size);
    const more = Object.keys({ ...g, ...h }).filter((one) => g[one] !== h[one]);
    const side = (head, [value, status]) => cell(head, ...(status ? [score(value), " ", chip(status)] : ["absent"]));
    const body = rows.slice(0, 1000).map((one) => [make("th", { scope: "row" }, link(one.nodeid)), side("before", one.x), side("after", one.y), cell("change", one.change)]);
    node.append(line("tools filters", select("a", "run before"), " → ", select("b", "run after")),
      note(short(rows.length), " cases differ", rows[1000] && " (1,000 shown)", ...Object.entries(sums).map(([one, n]) => `; ${n} ${one}`)),
      make("ul", { class: "changes" }, ...more.map((one) => make("li", 0, "gate ", make("code", 0, one), ` ${g[one] || "absent"} → ${h[one] || "absent"}`))),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "cases" }, tabled(["Case", "Before", "After", "Change"], body, "rows")));
    return dress(node);
  }

  // Search, theme, copying, sources, bytes

  async function search() {
    const words = split(field.value), { nodeid, status } = (await island("rows")).columns;
    const hits = [...nodeid.keys()].filter((i) => words.every((word) => nodeid[i].toLowerCase().includes(word)));
    found.replaceChildren(...hits.slice(0, 12).map((i) => link(nodeid[i], `${nodeid[i]}  ${status[i]}`)), hits.length ? "" : "no such case");
    found.hidden = !words.length;
  }
  on(field, "input", search);
  on(window, "keydown", (event) => {
    const { key } = event, now = document.activeElement;
    if (key === "/" && !now.matches("input, select")) { event.preventDefault(field.focus()); field.select(); }
    else if (key === "Escape") found.hidden = true;
    else if (key === "Enter" && now === field) search().then(() => $("a", found)?.click());
  });
  on($("#theme"), "click", ({ currentTarget }) => {
    root.dataset.theme = { light: "dark", dark: "" }[root.dataset.theme] ?? "light";
    currentTarget.ariaLabel = `Theme: ${root.dataset.theme || "by system"}`;
  });
  async function source(one) {
    if (!$("pre", one)) {
      const text = await piece("sources", +one.dataset.source, (await island("rows")).sources);
      if (!$("pre", one)) one.append(text ? parse(text).firstChild : note("see crucible show --source"));
    }
    $(".marked", one)?.classList.remove("marked");
    const at = $(`pre [data-line="${one.dataset.line}"]`, one);
    at?.classList.add("marked");
    at?.scrollIntoView({ block: "center" });
  }
  on(window, "toggle", ({ target }) => target.matches?.("details.source[open]") && source(target), true);
  on(window, "click", async (event) => {
    const one = event.target.closest("button, a"), kind = one?.className;
    if (kind === "copy") {
      await navigator.clipboard?.writeText($("code", one.parentElement).textContent).catch(() => {});
      one.textContent = "copied";
    } else if (kind === "save") keep(one);
    else if (kind === "skip") event.preventDefault($("#main").focus());
    else if (one?.dataset.line) {
      event.preventDefault();
      const holder = $("details.source", one.closest("article"));
      if (!holder) return;
      holder.dataset.line = one.dataset.line;
      source(holder).then(() => (holder.open = true));
    }
  });
  for (const kind of ["mouseover", "focusin"]) {
    on(window, kind, ({ target }) => {
      const field = target.dataset?.field;
      if (!field) return;
      const row = $("details table", target.closest("figure"))?.rows[field];
      $(".named", target.closest(".hexview")).textContent = row ? [...row.cells].map((one) => one.textContent).join(" · ") : field;
    });
  }
  on(window, "beforeprint", () => document.body.append(make("div", { id: "print" }, fixed("/failing"))));
  on(window, "afterprint", () => $("#print")?.remove());
  on(window, "hashchange", show);
  unhide(document);
  dress(home);
  show();
})();
