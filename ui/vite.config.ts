/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Assets are never inlined: the Content-Security-Policy takes scripts and styles of our own address only.
export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: false, // dist/.gitignore is committed; `npm run build` removes the rest first
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: true,
    reportCompressedSize: false,
  },
  server: {
    // `npm run dev` beside `crumpet dev`: CRUMPET_ADDR is where the API answers.
    proxy: { "/v1": { target: process.env.CRUMPET_ADDR ?? "http://127.0.0.1:7766", changeOrigin: false } },
  },
  test: {
    // Most tests are of pure functions: a file that needs a document asks for one, `// @vitest-environment happy-dom`.
    environment: "node",
    // One place for all files, so that each module is read once: what a test puts in place it takes away again.
    isolate: false,
    pool: "threads",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    css: false,
  },
});
