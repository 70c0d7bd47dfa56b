/** The first file whose name fits an `accept` list such as ".csv,text/csv". */
export function pickFile<T extends { name: string; type: string }>(files: readonly T[], accept: string): T | undefined {
  const rules = accept.split(",").map((rule) => rule.trim().toLowerCase()).filter((rule) => rule !== "");
  if (rules.length === 0) return files[0];
  return files.find((file) =>
    rules.some((rule) => (rule.startsWith(".") ? file.name.toLowerCase().endsWith(rule) : file.type === rule)),
  );
}

/** A file may be dropped on the whole zone instead of the small button. */
export function enhanceDrop(page: Document): void {
  for (const zone of page.querySelectorAll<HTMLElement>("[data-drop]")) {
    const input = zone.querySelector<HTMLInputElement>("input[type=file]");
    if (!input) continue;
    const over = (on: boolean) => (event: DragEvent): void => {
      event.preventDefault();
      zone.classList.toggle("is-over", on);
    };
    zone.addEventListener("dragover", over(true));
    zone.addEventListener("dragleave", over(false));
    zone.addEventListener("drop", (event) => {
      over(false)(event);
      const file = pickFile([...(event.dataTransfer?.files ?? [])], input.accept);
      input.setCustomValidity(file ? "" : "Drop a file of the right kind here.");
      if (file) {
        const chosen = new DataTransfer();
        chosen.items.add(file);
        input.files = chosen.files;
      }
      input.reportValidity();
    });
    input.addEventListener("change", () => input.setCustomValidity(""));
  }
}
