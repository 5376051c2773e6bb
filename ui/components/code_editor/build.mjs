// Makes what the browser loads: built/code_editor-<hash>.js, and built/LICENSES.txt with every package that is in it.

import { build } from "esbuild";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
process.chdir(here);
for (const old of readdirSync(join(here, "built"))) rmSync(join(here, "built", old));

const { metafile } = await build({
  entryPoints: { code_editor: join(here, "source.mjs") },
  outdir: join(here, "built"),
  entryNames: "[name]-[hash]",
  bundle: true, minify: true, format: "esm", target: "es2022", legalComments: "none", charset: "utf8", metafile: true,
});

const folders = new Set(Object.keys(metafile.inputs).map((file) => file.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1]));
const licences = [...folders].filter(Boolean).sort().map((folder) => {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const text = ["LICENSE", "LICENSE.md", "LICENCE"].map((name) => join(folder, name)).find(existsSync);
  if (!text) throw new Error(`${about.name} has no licence text`);
  return `${about.name} ${about.version} (${about.license})\n\n${readFileSync(text, "utf8").trim()}\n`;
});
writeFileSync(join(here, "built", "LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
