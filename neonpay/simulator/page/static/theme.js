// Runs before the first paint: the chosen theme and language, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search);
  const theme = asked.get("theme") ?? localStorage.getItem("neonpay-theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = asked.get("lang") ?? localStorage.getItem("neonpay-language") ?? navigator.language;
  root.lang = language.toLowerCase().startsWith("ru") ? "ru" : "en";
})();
