import { h, iconButton, icon } from "../dom";
import type { Grid } from "../grid";

/** Screens too narrow for a panel beside its button: it comes up from below. */
export const isNarrow = (): boolean => matchMedia("(max-width: 40rem)").matches;

export interface Place { readonly anchor?: HTMLElement | undefined; readonly x?: number | undefined; readonly y?: number | undefined }

export interface Popup {
  readonly element: HTMLElement;
  readonly body: HTMLElement;
  close(focus?: boolean): void;
  /** Call when the size changed. */
  place(): void;
}

let shown: (Popup & { readonly key: string }) | null = null;

/** Closes whatever panel or menu is open. */
export function closePopup(focus = false): void {
  shown?.close(focus);
}

export function isOpen(key: string): boolean {
  return shown?.key === key;
}

/** A panel beside what opened it; one at a time. Opening it again closes it. */
export function popup(grid: Grid, key: string, title: string, at: Place, onClose?: () => void): Popup | null {
  const isSame = shown?.key === key;
  closePopup();
  if (isSame) return null;
  const body = h("div", { class: "g-pop-body" });
  const close = (focus = true): void => made.close(focus);
  const element = h("section", { class: `g-pop g-pop-${key.split(":")[0] ?? ""}`, role: "dialog", "aria-label": title, tabindex: -1 },
    h("header", { class: "g-pop-head" }, h("h2", { class: "clip" }, title), iconButton("x", "Close", () => close())), body);
  const made = mount(grid, key, element, at, onClose);
  return { ...made, body };
}

function mount(grid: Grid, key: string, element: HTMLElement, at: Place, onClose?: () => void): Popup {
  // A head or a sum cannot have the focus: it goes back to where it came from.
  const active = document.activeElement instanceof HTMLElement && document.activeElement !== document.body ? document.activeElement : null;
  const back = at.anchor && at.anchor.tabIndex >= 0 ? at.anchor : active;
  const scrim = h("div", { class: "g-scrim", "aria-hidden": "true" });
  const outside = (event: Event): void => {
    const target = event.target as Node;
    if (element.contains(target) || (target instanceof Element && target.closest(".g-pop, dialog"))) return;
    // The anchor's own click closes it; a press must not do so first.
    if (at.anchor?.contains(target)) return;
    made.close(false);
  };
  const made = {
    key, element, body: element,
    place: () => place(element, at),
    close: (focus = true): void => {
      if (shown === made) shown = null;
      document.removeEventListener("pointerdown", outside, true);
      removeEventListener("resize", made.place);
      element.remove();
      scrim.remove();
      at.anchor?.setAttribute("aria-expanded", "false");
      onClose?.();
      if (!focus) return;
      if (back?.isConnected && back.offsetParent !== null) back.focus({ preventScroll: true });
      else grid.focus();
    },
  };
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    made.close();
  });
  shown = made;
  at.anchor?.setAttribute("aria-expanded", "true");
  document.body.append(scrim, element);
  document.addEventListener("pointerdown", outside, true);
  addEventListener("resize", made.place);
  place(element, at);
  requestAnimationFrame(() => {
    if (shown !== made) return;
    made.place();
    if (!element.contains(document.activeElement)) focusFirst(element);
  });
  return made;
}

export function focusFirst(element: HTMLElement): void {
  const first = element.querySelector<HTMLElement>("[autofocus], .g-pop-body :is(input, select, button, textarea, a[href]):not([disabled]), [role^=menuitem]");
  (first ?? element).focus({ preventScroll: true });
}

function place(element: HTMLElement, at: Place): void {
  if (isNarrow()) {
    element.style.left = element.style.top = "";
    return;
  }
  const box = at.anchor?.getBoundingClientRect();
  const x = box ? box.left : (at.x ?? 100);
  const y = box ? box.bottom + 4 : (at.y ?? 100);
  const own = element.getBoundingClientRect();
  const left = Math.max(8, Math.min(x, innerWidth - own.width - 8));
  // Without room below it stands above what opened it.
  const above = (box ? box.top : y) - own.height - 4;
  const top = y + own.height <= innerHeight - 8 ? y : above >= 8 ? above : Math.max(8, innerHeight - own.height - 8);
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}

export interface Item {
  readonly label: string;
  readonly icon?: string;
  /** A key that does the same. */
  readonly key?: string;
  readonly tone?: "bad";
  readonly checked?: boolean;
  readonly disabled?: string | false | undefined;
  run(): void;
}

/** A menu at the pointer or below a button. `null` draws a line. */
export function menu(grid: Grid, key: string, title: string, at: Place, items: readonly (Item | null)[]): void {
  const isSame = shown?.key === key && at.anchor;
  closePopup();
  if (isSame) return;
  const element = h("div", { class: "g-pop g-menu", role: "menu", "aria-label": title, tabindex: -1 });
  for (const item of items) element.append(item ? line(item) : h("div", { class: "g-menu-line", role: "separator" }));
  const { close } = mount(grid, key, element, at);
  const all = [...element.querySelectorAll<HTMLElement>("[role^=menuitem]")];
  element.addEventListener("keydown", (event) => {
    const now = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[(to + all.length) % all.length]?.focus();
    else if (event.key === "Tab") close();
    else if (event.key.length === 1 && /\S/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const wanted = event.key.toLowerCase();
      [...all.slice(now + 1), ...all.slice(0, now + 1)].find((it) => it.textContent?.trim().toLowerCase().startsWith(wanted))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  function line(item: Item): HTMLElement {
    const it = h("button", {
      type: "button", class: `g-item${item.tone === "bad" ? " is-bad" : ""}`, role: item.checked === undefined ? "menuitem" : "menuitemradio", tabindex: -1,
      ...(item.checked !== undefined && { "aria-checked": String(item.checked) }), ...(item.disabled && { "aria-disabled": "true", title: item.disabled }),
    }, item.checked === undefined ? (item.icon ? icon(item.icon) : h("span", { class: "icon" })) : item.checked ? icon("check") : h("span", { class: "icon" }), h("span", { class: "clip" }, item.label));
    if (item.key) it.append(h("kbd", { "aria-hidden": "true" }, item.key));
    it.addEventListener("click", () => {
      if (item.disabled) return;
      close();
      item.run();
    });
    return it;
  }
}

/** A list whose lines move by their handle: by pointer, or Alt with the arrows. */
export function reorderable(list: HTMLElement, move: (from: number, to: number) => void): void {
  const lines = (): HTMLElement[] => [...list.children].filter((it): it is HTMLElement => it instanceof HTMLElement && !it.hidden && it.dataset["fixed"] === undefined);
  const lineOf = (target: EventTarget | null): number => lines().findIndex((it) => target instanceof Node && it.contains(target));
  list.addEventListener("keydown", (event) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const from = lineOf(event.target);
    const to = from + (event.key === "ArrowUp" ? -1 : 1);
    if (from < 0 || to < 0 || to >= lines().length) return;
    event.preventDefault();
    event.stopPropagation();
    move(from, to);
    lines()[to]?.querySelector<HTMLElement>("[data-grip]")?.focus();
  });
  list.addEventListener("pointerdown", (event) => {
    const grip = (event.target as Element).closest?.("[data-grip]");
    if (!grip || event.button !== 0) return;
    event.preventDefault();
    const all = lines();
    const from = lineOf(grip);
    let to = from;
    all[from]?.classList.add("is-dragged");
    const follow = (now: PointerEvent): void => {
      to = all.findIndex((it) => now.clientY < it.getBoundingClientRect().top + it.offsetHeight / 2);
      if (to < 0) to = all.length;
      all.forEach((it, i) => { it.classList.toggle("drop-before", i === to); it.classList.toggle("drop-after", i === all.length - 1 && to === all.length); });
    };
    const end = (): void => {
      removeEventListener("pointermove", follow);
      for (const it of all) it.classList.remove("is-dragged", "drop-before", "drop-after");
      const target = to > from ? to - 1 : to;
      if (target !== from) move(from, target);
    };
    addEventListener("pointermove", follow);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  });
}

export function grip(label: string): HTMLElement {
  return h("button", { type: "button", class: "g-grip", "data-grip": true, "aria-label": `Move ${label}: Alt with the arrow keys`, title: "Drag, or Alt with ↑ ↓" }, icon("grip"));
}

/** A confirmation with one question and, if wanted, one line to fill in. */
export function ask(grid: Grid, title: string, options: { readonly field?: string; readonly value?: string; readonly text?: string; readonly action: string; readonly required?: boolean; readonly danger?: boolean }): Promise<string | null> {
  return new Promise((done) => {
    const input = h("input", { class: "input", "aria-label": options.field ?? "", placeholder: options.field ?? "", maxlength: 300, required: options.required !== false, autofocus: true });
    input.value = options.value ?? "";
    const form = h("form", { class: "form" }, h("h2", {}, title), ...(options.text ? [h("p", { class: "muted" }, options.text)] : []), ...(options.field ? [input] : []));
    const dialog = h("dialog", { class: "g-dialog", "aria-label": title }, form);
    let answer: string | null = null;
    form.append(h("div", { class: "actions actions-end" }, quiet("Cancel", () => dialog.close()), h("button", { class: `button ${options.danger ? "button-danger" : "button-primary"}` }, options.action)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = input.value.trim();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(answer);
      if (!shown) grid.focus();
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  });
}

export function quiet(label: string, click: () => void): HTMLButtonElement {
  const it = h("button", { type: "button", class: "button button-quiet" }, label);
  it.addEventListener("click", click);
  return it;
}

/** A message with one thing to do about it, such as Undo. */
export function offer(grid: Grid, message: string, action: string, run: () => void): void {
  grid.speaker.notify(message);
  const toast = [...grid.root.querySelectorAll(".toast")].at(-1);
  const it = h("button", { type: "button", class: "link-button" }, action);
  it.addEventListener("click", () => {
    toast?.remove();
    run();
  });
  toast?.insertBefore(it, toast.lastElementChild);
}

/** A drop-down of plain options. */
export function select(label: string, options: readonly (readonly [value: string, text: string])[], value: string, change: (value: string) => void, className = "select g-sel"): HTMLSelectElement {
  const it = h("select", { class: className, "aria-label": label }, ...options.map(([id, text]) => h("option", { value: id }, text)));
  it.value = value;
  it.addEventListener("change", () => change(it.value));
  return it;
}
