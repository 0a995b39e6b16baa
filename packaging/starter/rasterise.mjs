// Draws the icons of a list as PNG files, with resvg.
//
//     node rasterise.mjs NODE_MODULES JOBS.json OUT [SIDE]
//
// JOBS.json is what icon_sets.py writes. Writes OUT/STYLE/NUMBER.png, NUMBER being the icon's place in the list.
// resvg aborts the whole process at a few icons (a panic in Rust, which cannot be caught). The icon being drawn is
// therefore noted in OUT/drawing: a parent process starts the work again, and the icon is left out.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync, appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [nodeModules, jobsFile, out, sideText = "256", role = "parent"] = process.argv.slice(2);
const side = Number(sideText);
const drawing = join(out, "drawing");
const failed = join(out, "failed.txt");

function readFailed() {
  return new Set(existsSync(failed) ? readFileSync(failed, "utf8").split("\n").filter(Boolean) : []);
}

function svgOf(set, name) {
  const icon = set.icons[name];
  const [left, top] = [icon.left ?? set.left ?? 0, icon.top ?? set.top ?? 0];
  const [width, height] = [icon.width ?? set.width ?? 16, icon.height ?? set.height ?? 16];
  const box = `${left} ${top} ${width} ${height}`;
  const names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  return `<svg ${names} viewBox="${box}" width="${width}" height="${height}">${icon.body}</svg>`;
}

function drawAll() {
  const { Resvg } = createRequire(resolve(nodeModules, "x.js"))("@resvg/resvg-js");
  const jobs = JSON.parse(readFileSync(jobsFile, "utf8"));
  const sets = new Map();
  const bad = readFailed();
  let last = Date.now();
  jobs.forEach((job, number) => {
    const file = join(out, job.style, `${number}.png`);
    if (existsSync(file) || bad.has(String(number))) return;
    if (!sets.has(job.set)) sets.set(job.set, JSON.parse(readFileSync(job.set, "utf8")));
    mkdirSync(join(out, job.style), { recursive: true });
    writeFileSync(drawing, String(number));
    const image = new Resvg(svgOf(sets.get(job.set), job.icon), { fitTo: { mode: "width", value: side } }).render();
    writeFileSync(`${file}.tmp`, image.asPng());
    renameSync(`${file}.tmp`, file);
    if (Date.now() - last > 5000) {
      last = Date.now();
      console.log(`${number + 1} of ${jobs.length} icons`);
    }
  });
  rmSync(drawing, { force: true });
}

if (role === "child") {
  drawAll();
} else {
  mkdirSync(out, { recursive: true });
  for (;;) {
    rmSync(drawing, { force: true });
    const child = spawnSync(process.execPath, [process.argv[1], nodeModules, jobsFile, out, sideText, "child"], {
      stdio: ["ignore", "inherit", "ignore"],
    });
    if (child.status === 0) break;
    if (!existsSync(drawing)) throw new Error("The drawing process ended before its first icon; is resvg there?");
    const number = readFileSync(drawing, "utf8");
    appendFileSync(failed, `${number}\n`);
    console.log(`icon ${number} cannot be drawn; left out`);
  }
  console.log(`done, ${readFailed().size} icons left out`);
}
