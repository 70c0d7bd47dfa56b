import { around, rank } from "./fuzzy";

interface Item {
  readonly label: string;
  readonly group: string;
  readonly href: string;
}

function readItems(page: Document): Item[] {
  const template = page.querySelector<HTMLTemplateElement>("template#palette-items");
  const links = template?.content.querySelectorAll<HTMLAnchorElement>("a") ?? [];
  return [...links].map((link) => ({
    label: link.textContent?.trim() ?? "",
    group: link.dataset["group"] ?? "",
    href: link.getAttribute("href") ?? "/",
  }));
}

/** Ctrl/Cmd+K opens a list of pages and actions to type into. */
export function enhancePalette(page: Document): void {
  const dialog = page.querySelector<HTMLDialogElement>("dialog#palette");
  const input = dialog?.querySelector<HTMLInputElement>("[role=combobox]");
  const list = dialog?.querySelector<HTMLElement>("[role=listbox]");
  if (!dialog || !input || !list) return;
  const items = readItems(page);
  let shown: Item[] = [];
  let active = 0;

  const mark = (): void => {
    [...list.children].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === active));
      if (index === active) option.scrollIntoView({ block: "nearest" });
    });
    if (shown.length > 0) input.setAttribute("aria-activedescendant", `palette-${active}`);
    else input.removeAttribute("aria-activedescendant");
  };

  const open = (item: Item | undefined): void => {
    if (!item) return;
    dialog.close();
    page.location.assign(item.href);
  };

  const draw = (): void => {
    shown = rank(input.value, items, (item) => `${item.label} ${item.group}`);
    active = 0;
    list.replaceChildren(
      ...shown.map((item, index) => {
        const option = page.createElement("li");
        option.id = `palette-${index}`;
        option.className = "palette-item";
        option.setAttribute("role", "option");
        const group = page.createElement("small");
        group.textContent = item.group;
        option.append(item.label, group);
        option.addEventListener("click", () => open(item));
        return option;
      }),
    );
    mark();
  };

  const show = (): void => {
    if (dialog.open) return;
    input.value = "";
    draw();
    dialog.showModal();
    input.focus();
  };

  input.addEventListener("input", draw);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      active = around(active, event.key === "ArrowDown" ? 1 : -1, shown.length);
      mark();
    } else if (event.key === "Enter") open(shown[active]);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  page.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    show();
  });
  for (const button of page.querySelectorAll<HTMLElement>("[data-palette-open]")) {
    button.hidden = false;
    button.addEventListener("click", show);
  }
}
