import "./styles/theme.css";
import "./styles/base.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { LiveProvider } from "./api/live";
import { newQueryClient } from "./api/query";
import { ToastProvider } from "./kit/Toast";
import { newRouter } from "./router";

// Libraries that make <style> elements (radix' scroll lock) take the response's nonce from here.
const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = meta?.nonce;

const queries = newQueryClient();
const router = newRouter(queries);
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <LiveProvider>
          <ToastProvider>
            <RouterProvider router={router} />
          </ToastProvider>
        </LiveProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
