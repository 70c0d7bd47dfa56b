type Props = Readonly<Record<string, string | boolean | number | undefined>>;

/** An element with attributes and children. No style attribute: the policy forbids it. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (name === "class") element.className = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** A button with a name, and what it does. */
export function button(label: string, click: () => void, className = "button button-small"): HTMLButtonElement {
  const element = h("button", { type: "button", class: className }, label);
  element.addEventListener("click", click);
  return element;
}

let sprite = "";

/** A symbol of the page's sprite; the mount says where it lies. */
export function icon(name: string): Element {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

export function setSprite(url: string): void {
  sprite = url;
}

export function iconButton(name: string, label: string, click: () => void): HTMLButtonElement {
  const element = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label }, icon(name));
  element.addEventListener("click", click);
  return element;
}

/** Shows a dialog and takes it off the page once it is closed. */
export function openDialog(dialog: HTMLDialogElement): void {
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.showModal();
}

/** Follows a drag from a pressed pointer to its release. */
export function drag(move: (event: PointerEvent) => void, end: (event: PointerEvent | null) => void): void {
  const stop = (event: PointerEvent | null): void => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", cancel);
    end(event);
  };
  const up = (event: PointerEvent): void => stop(event);
  const cancel = (): void => stop(null);
  addEventListener("pointermove", move);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", cancel);
}

export function later(work: () => void, ms: number): { (): void; cancel(): void } {
  let timer = 0;
  const run = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(work, ms);
  };
  run.cancel = (): void => clearTimeout(timer);
  return run;
}
