/** Light or dark: as the reader's system is, unless the reader chose. */

import { webDarkTheme, webLightTheme } from "@fluentui/tokens";
import { setTheme } from "@fluentui/web-components/theme/set-theme.js";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const key = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme {
  const kept = localStorage.getItem(key);
  return themes.find((theme) => theme === kept) ?? "system";
}

/** Applies the chosen theme, now and when the system changes. */
export function followTheme(): void {
  apply();
  dark.addEventListener("change", apply);
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(key);
  else localStorage.setItem(key, theme);
  apply();
}

function apply(): void {
  const chosen = chosenTheme();
  const isDark = chosen === "dark" || (chosen === "system" && dark.matches);
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
  setTheme(isDark ? webDarkTheme : webLightTheme);
}
