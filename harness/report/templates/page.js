// Draws the rows and cases that the page holds as data. Text from the run becomes text nodes only, never HTML.
(() => {
  "use strict";
  const WINDOW = 200;
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  const loaded = new Map();
  function island(id) {
    if (!loaded.has(id)) {
      const holder = document.getElementById(id);
      loaded.set(id, holder && inflate(holder.textContent));
    }
    return loaded.get(id);
  }
  function inflate(text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  }
  let rows;
  const data = () => (rows ??= island("rows").then(JSON.parse));

  // Words, as in harness/report/words.py

  const NOTHING = "—";
  const visible = (value) =>
    String(value).replace(/[^\P{C}\n\t]|[\u2028\u2029]/gu, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
  const three = (value) => String(Number(value.toPrecision(3)));
  const score = (value) => (value === null || value === undefined ? NOTHING : value.toFixed(3));
  function milliseconds(value) {
    if (value === null || value === undefined) return NOTHING;
    if (value < 1) return value * 1000 < 999.5 ? `${three(value * 1000)} µs` : "1.00 ms";
    return value < 999.5 ? `${three(value)} ms` : `${three(value / 1000)} s`;
  }
  const megabytes = (value) => (value === null || value === undefined ? NOTHING : `${value.toFixed(1)} MB`);
  function delta(value, since) {
    if (value === null) return since || NOTHING;
    const rounded = Math.round(value * 1000) / 1000 || 0;
    const arrow = rounded > 0 ? " ▲" : rounded < 0 ? " ▼" : "";
    return `${rounded < 0 ? "" : "+"}${rounded.toFixed(3)}${arrow}${since === "edited" ? "*" : ""}`;
  }
  const number = (value) => (value === null ? "undefined" : String(Number(value.toPrecision(4))));

  // Elements

  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== undefined && value !== "") made.setAttribute(name, visible(value));
    }
    made.append(...children.map((child) => (child instanceof Node ? child : visible(child ?? ""))));
    return made;
  }
  const cell = (kind, ...children) => make("td", { class: kind }, ...children);
  const chip = (status) => make("span", { class: `chip chip-${status}` }, status);
  function bar(value, verdict) {
    const drawn = $("#bar").content.firstElementChild.cloneNode(true);
    drawn.setAttribute("aria-label", `${score(value)} of 1`);
    const fill = $(".fill", drawn);
    fill.setAttribute("class", `fill ${verdict}`);
    fill.setAttribute("width", Math.max(0, Math.min(1, value)) * 100);
    return drawn;
  }
  const address = (columns, i) => `#${columns.anchor[i] || `case=${encodeURIComponent(columns.nodeid[i])}`}`;
  const link = (columns, i, text) => make("a", { href: address(columns, i), "data-row": i }, text);

  // Tables of a suite

  function row(columns, i) {
    const c = (name) => columns[name][i];
    const made = make("tr", { class: c("verdict") });
    const name = make("th", { scope: "row" }, link(columns, i, c("candidate")), " ", make("code", { class: "digest" }, c("digest")));
    if (c("why")) name.append(make("span", { class: "why" }, c("why")));
    const moved = c("delta") > 0.0005 ? "num up" : c("delta") < -0.0005 ? "num down" : "num";
    const rank = make("td", { class: "num rank", title: c("unconfirmed") }, c("unconfirmed") ? "?" : c("rank") || "–");
    const status = cell("", chip(c("status")));
    if (c("reused")) status.append(" ", make("span", { title: `judged in run ${c("reused")}` }, "reused"));
    made.append(
      rank, name, cell("num strong", score(c("score"))), c("score") === null ? cell("") : cell("", bar(c("score"), c("verdict"))),
      cell(moved, delta(c("delta"), c("since"))), cell("num", c("gates") ? `${c("held")}/${c("gates")}` : ""), status,
      cell(c("stability") === "flaky" ? "num warn" : "num", c("stability") || NOTHING), cell("num", milliseconds(c("median"))),
      cell("num", megabytes(c("peak"))), cell(c("style").includes("≠") ? "warn" : "", c("style")),
    );
    return made;
  }

  function compare(values, reverse) {
    const empty = (value) => value === null || value === "";
    return (a, b) => {
      const [x, y] = [values[a], values[b]];
      if (empty(x) || empty(y)) return empty(x) - empty(y) || a - b; // what was not measured comes last, either way
      const order = typeof x === "number" ? x - y : x.localeCompare(y);
      return (reverse ? -order : order) || a - b;
    };
  }

  async function open(table) {
    const { suites, columns } = await data();
    const suite = suites[Number(table.dataset.suite)];
    const state = { order: [...Array(suite.size).keys()].map((i) => i + suite.start), shown: WINDOW, key: "", reverse: false };
    const body = $("tbody", table), region = table.parentElement;
    const count = make("output", {}), more = make("button", { type: "button" }, `Show ${WINDOW} more`);
    const filter = make("input", { type: "search", "aria-label": `Filter ${suite.suite}`, placeholder: "Filter by name, status, style" });
    region.before(make("div", { class: "tools" }, filter, count));
    region.after(more);
    const note = $(".more", region.parentElement);
    if (note) note.hidden = true;
    function draw() {
      const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      const names = ["nodeid", "status", "style", "why", "digest"];
      const fits = (i) => wanted.every((word) => names.some((name) => columns[name][i].toLowerCase().includes(word)));
      const found = wanted.length ? state.order.filter(fits) : state.order;
      body.replaceChildren(...found.slice(0, state.shown).map((i) => row(columns, i)));
      count.textContent = `${found.length.toLocaleString("en")} of ${suite.size.toLocaleString("en")}`;
      more.hidden = found.length <= state.shown;
    }
    function sort(key) {
      state.reverse = state.key === key ? !state.reverse : ["score", "held", "delta"].includes(key);
      state.key = key;
      for (const head of all("thead th", table)) {
        head.removeAttribute("aria-sort");
        if (head.dataset.sort === key) head.setAttribute("aria-sort", state.reverse ? "descending" : "ascending");
      }
      const places = [...Array(suite.size).keys()];
      if (key === "rank") state.order = places.map((i) => (state.reverse ? suite.size - 1 - i : i) + suite.start);
      else state.order = places.map((i) => i + suite.start).sort(compare(columns[key], state.reverse));
      draw();
    }
    filter.addEventListener("input", () => { state.shown = WINDOW; draw(); });
    more.addEventListener("click", () => { state.shown += WINDOW; draw(); });
    draw();
    return { sort, filter };
  }

  for (const table of all("table[data-suite]")) {
    let opened;
    const once = () => (opened ??= open(table));
    for (const head of all("thead th[data-sort]", table)) {
      const button = make("button", { type: "button", class: "sort" });
      button.append(...head.childNodes);
      button.addEventListener("click", async () => (await once()).sort(head.dataset.sort));
      head.append(button);
    }
    const note = $(".more", table.parentElement.parentElement);
    if (note) {
      const button = make("button", { type: "button" }, "Show all");
      button.addEventListener("click", async () => (await once()).filter.focus());
      note.append(" ", button);
    }
  }

  // One case

  function grid(caption, heads, lines) {
    if (!lines.length) return "";
    const body = make("tbody", {}, ...lines.map(([kind, first, ...rest]) =>
      make("tr", { class: kind }, make("th", { scope: "row" }, first), ...rest.map((value) => (value instanceof Node ? make("td", {}, value) : cell("", value))))));
    const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
    return make("table", {}, make("caption", {}, caption), make("thead", {}, head), body);
  }
  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));

  function card({ evidence, score: result }, columns, i, options) {
    const c = (name) => columns[name][i];
    const found = evidence.counterexample;
    const box = (title, kind) => make("div", {}, make("h4", {}, title), make("pre", { class: kind }, found[kind || "question"]));
    const named = Object.fromEntries(["quality", "notices", "fault", "reused", "unconfirmed"].map((name) => [name, evidence[name]]));
    const given = Object.entries(named).filter(([, value]) => value && value.length !== 0);
    const facts = [...(evidence.limits_hit.length ? [["limits hit", evidence.limits_hit.join(", ")]] : []), ...Object.entries(evidence.facts), ...given, ...Object.entries(evidence.environment)];
    const text = c("nodeid").replaceAll("'", `'"'"'`);
    const article = make("article", { id: "case" }, make("p", { class: c("why") ? "reason" : "" }, c("why") || evidence.why || result.explanation));
    if (found) article.append(make("div", { class: "versus" }, box("Question", ""), box("Expected", "expected"), box("Observed", "observed")));
    article.append(make("div", { class: "columns" },
      grid("Gates", ["Gate", "Observed", "Threshold", "Why"], result.gates.map((g) => [g.passed ? "good" : "bad", `${g.passed ? "✓" : "✗"} ${g.name}`, number(g.observed), number(g.threshold), g.why])),
      grid("Components", ["Component", "Value", "Weight", "Why"], result.components.map((p) => ["", p.name, p.value === null ? "undefined" : score(p.value), p.weight.toFixed(2), p.why])),
      grid("Paired benchmark", ["Opponent", "Verdict", "Time / opponent's time", "Why"], evidence.comparisons.map((one) => ["", `${one.role} ${one.rival}`, one.verdict, number(one.ratio), one.why])),
      grid("Attempts", ["#", "Status", "Seed", "Answers", "CPU", "Peak", "Why"], evidence.attempts.slice(0, 50).map((a, at) => ["", String(at), chip(a.status), String(a.seed), a.answers.slice(0, 12) || NOTHING, milliseconds(a.cpu_ms), megabytes(a.peak_mb), a.why])),
      grid("Observed", ["Fact", "Value"], facts.map(([name, value]) => ["", name, shown(value)])),
    ));
    article.append(make("p", { class: "again" }, make("span", {}, "Run it again"), " ", make("code", {}, `pytest '${text}' ${options}`)));
    const head = make("summary", {}, chip(c("status")), " ", make("b", {}, c("candidate")), " ", make("span", { class: "where" }, c("nodeid")), make("span", { class: "total" }, score(c("score"))));
    return make("details", { class: `card ${c("verdict")}`, open: "open" }, head, article);
  }

  async function show() {
    if (!location.hash.startsWith("#case=")) return;
    const { columns, cases, options } = await data();
    const nodeid = decodeURIComponent(location.hash.slice(6));
    const i = columns.nodeid.indexOf(nodeid);
    $("#asked")?.remove();
    if (i < 0) return;
    const place = columns.details[i];
    const text = place === null ? null : await island(`details-${Math.floor(place / cases)}`);
    const line = text && text.split("\n")[place % cases];
    const command = make("code", {}, `crucible show '${nodeid.replaceAll("'", `'"'"'`)}'`);
    const made = line
      ? card(JSON.parse(line), columns, i, options)
      : make("p", { class: "note" }, `The details of ${nodeid} are not on this page; `, command, " prints them.");
    const section = make("section", { id: "asked", tabindex: "-1", "aria-label": "The case that was asked for" }, made);
    const from = all(`[data-row="${i}"]`).find((one) => one.closest("section").id !== "asked");
    (from?.closest("section") ?? $("main").firstElementChild).after(section);
    section.scrollIntoView({ block: "nearest" });
    section.focus({ preventScroll: true });
  }

  data().then(({ columns }) => {
    for (const name of all("span[data-row]")) name.replaceWith(link(columns, Number(name.dataset.row), name.textContent));
  });
  addEventListener("hashchange", show);
  show();
})();
