// The chosen light, before anything is drawn; without a choice the system's own stands.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("steppe.theme");
  } catch {
    // Storage is closed: the system's own.
  }
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
}
