// Turns the theme over. Without it the page follows the system, and lacks nothing else.
(() => {
  "use strict";
  const root = document.documentElement;
  const toggle = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
  const say = () => toggle.setAttribute("aria-pressed", String(isDark()));
  toggle.addEventListener("click", () => {
    root.style.colorScheme = isDark() ? "light" : "dark";
    say();
  });
  system.addEventListener("change", say);
  toggle.hidden = false;
  say();
})();
