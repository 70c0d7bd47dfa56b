/** Shows a rule anew when what it goes by was chosen: other fields belong to it then. */
export function enhanceBuilder(page: Document): void {
  const form = page.querySelector<HTMLFormElement>("form[data-builder]");
  const refresh = form?.querySelector<HTMLButtonElement>("[data-builder-refresh]");
  if (!form || !refresh) return;
  form.addEventListener("change", (event) => {
    if (!(event.target instanceof HTMLSelectElement)) return;
    sessionStorage.setItem("builder-focus", event.target.id);
    refresh.click();
  });
  const last = sessionStorage.getItem("builder-focus");
  sessionStorage.removeItem("builder-focus");
  if (last) page.getElementById(last)?.focus();
}
