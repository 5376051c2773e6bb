// Makes what the browser loads: built/embedding_map-<hash>.js for Streamlit, built/page.js for the map as a page of its own.

import { build } from "esbuild";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
process.chdir(here);
mkdirSync("built", { recursive: true });
for (const old of readdirSync("built")) rmSync(join("built", old));

const common = { outdir: "built", bundle: true, minify: true, target: "es2022", legalComments: "none", charset: "utf8" };
await build({ ...common, entryPoints: { embedding_map: "source/main.mjs" }, entryNames: "[name]-[hash]", format: "esm" });
await build({ ...common, entryPoints: { page: "source/page.mjs" }, format: "iife" });
