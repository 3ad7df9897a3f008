// Before the first paint: the theme that was chosen here, and that scripts run.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("neonpay-theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing shows what the system shows.
  }
})();
