// The charts: BokehJS is inflated when the first one is drawn, and each takes its colours from the style sheet.

const drawn = new Map();
let bokeh = null;

function loadBokeh() {
  bokeh ??= inflateText("bokeh").then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
    return window.Bokeh;
  });
  return bokeh;
}

// Draws a chart once; gives its root, a Bokeh figure.
function draw(name) {
  if (!drawn.has(name)) drawn.set(name, embed(name));
  return drawn.get(name);
}

async function embed(name) {
  const Bokeh = await loadBokeh();
  const item = figures[name];
  await Bokeh.embed.embed_item(item);
  const root = Bokeh.documents.flatMap((opened) => opened.roots()).find((model) => model.id === item.root_id);
  paint(root);
  return root;
}

function drawAll(names) {
  return Promise.all(names.map(draw));
}

// A colour of the style sheet in the theme that is shown.
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function paint(root) {
  for (const model of root.references()) {
    if (model.type.endsWith("Axis")) model.major_label_text_color = colour("muted");
    if (model.type === "Grid") model.grid_line_color = colour("line");
    if (model.type === "GlyphRenderer" && model.name) {
      for (const glyph of [model.glyph, model.nonselection_glyph, model.muted_glyph]) {
        if (glyph && "fill_color" in glyph) glyph.fill_color = colour(model.name);
        // A bar's line closes the seam to the next one.
        if (glyph && ["Line", "VBar"].includes(glyph.type)) glyph.line_color = colour(model.name);
      }
    }
  }
}

async function paintCharts() {
  for (const root of await Promise.all(drawn.values())) paint(root);
}

// Gives a chart of one coin its points, each of which stands for some days.
async function fill(name, points, days, label) {
  const root = await draw(name);
  const source = [...root.references()].find((model) => model.name === "points");
  const count = points.date.length;
  source.data = { ...points, zero: Array(count).fill(0), width: Array(count).fill(days * DAY_MS) };
  document.getElementById(name).setAttribute("aria-label", label);
}
