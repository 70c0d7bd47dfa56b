import { send, step, undo, type Answer, type Move } from "./move";
import { stayFor } from "./toasts";

/** Before a press becomes a drag: pixels with a mouse, milliseconds with a finger. */
const FAR = 5;
const HOLD = 320;
/** Pixels from an edge at which the page scrolls along. */
const EDGE = 56;

/** A card on its way, and the place it came from. */
interface Carried {
  readonly card: HTMLElement;
  readonly home: Element;
  readonly next: ChildNode | null;
  readonly from: HTMLElement | null;
  to: HTMLElement | null;
}

/** Cards of one board or calendar that move by pointer and by keys. */
class Moves {
  private carried: Carried | null = null;
  private saving = 0;
  private placing = false;

  constructor(private readonly region: HTMLElement, private readonly page: Document) {
    region.addEventListener("pointerdown", (event) => this.press(event));
    region.addEventListener("keydown", (event) => this.key(event));
    region.addEventListener("dragstart", (event) => event.preventDefault());
    region.addEventListener("focusout", () => {
      if (this.region.dataset["busy"] === "keys" && !this.placing) this.cancel();
    });
  }

  // --- what both ways have in common

  private zones(): HTMLElement[] {
    return [...this.region.querySelectorAll<HTMLElement>("[data-zone]")];
  }

  private lift(card: HTMLElement, how: "keys" | "pointer"): Carried | null {
    const home = card.parentElement;
    if (!home || this.carried) return null;
    const from = card.closest<HTMLElement>("[data-zone]");
    this.carried = { card, home, next: card.nextSibling, from, to: from };
    this.region.dataset["busy"] = how;
    card.classList.add("is-carried");
    return this.carried;
  }

  private put(card: HTMLElement, into: Element, before: ChildNode | null): void {
    const link = card.querySelector("a");
    const had = this.page.activeElement === link;
    // Leaving the page for a moment takes the focus along.
    this.placing = true;
    into.insertBefore(card, before);
    if (had) link?.focus();
    this.placing = false;
  }

  private over(zone: HTMLElement | null): void {
    for (const known of this.region.querySelectorAll(".is-over")) if (known !== zone) known.classList.remove("is-over");
    if (zone !== this.carried?.from) zone?.classList.add("is-over");
  }

  private settle(): void {
    this.over(null);
    this.carried?.card.classList.remove("is-carried");
    this.carried = null;
    if (this.saving > 0) this.region.dataset["busy"] = "saving";
    else {
      delete this.region.dataset["busy"];
      // What came in meanwhile waited for this.
      this.region.dispatchEvent(new Event("refresh"));
    }
  }

  private cancel(): void {
    const carried = this.carried;
    if (!carried) return;
    this.put(carried.card, carried.home, carried.next);
    this.say(`${this.title(carried.card)} is back where it was.`);
    this.settle();
  }

  private title(card: HTMLElement): string {
    return card.dataset["title"] ?? "The card";
  }

  private say(text: string): void {
    const status = this.page.querySelector("[data-says]");
    if (status) status.textContent = text;
  }

  private drop(): void {
    const carried = this.carried;
    if (!carried) return;
    const { card, to, from } = carried;
    if (!to || to === from) return this.cancel();
    const list = to.querySelector("[data-cards]");
    if (list && card.parentElement !== list) this.put(card, list, list.firstChild);
    card.classList.add("is-saving");
    this.saving += 1;
    this.settle();
    void this.save(carried, to);
  }

  private async save(carried: Carried, to: HTMLElement): Promise<void> {
    const { card } = carried;
    const { column = "", by = "", zoneName, times } = this.region.dataset;
    const place = to.dataset["name"] ?? "";
    const move: Move = {
      row: card.dataset["card"] ?? "",
      column,
      base: Number(card.dataset["version"]),
      to: to.dataset["zone"] ?? "",
      ...(times === undefined ? {} : { zone: zoneName, clock: card.dataset["clock"] }),
    };
    const answer = await send(move, "");
    card.classList.remove("is-saving");
    this.saving -= 1;
    if (answer.kind === "moved") {
      card.dataset["version"] = String(answer.version);
      this.tell("ok", `${this.title(card)} moved to ${place}.`, () => void this.takeBack(answer.version));
    } else if (answer.kind !== "same") {
      this.put(card, carried.home, carried.next?.parentNode === carried.home ? carried.next : null);
      this.tell("bad", this.trouble(answer, this.title(card), by, place), null);
    }
    if (!this.carried) this.settle();
  }

  private trouble(answer: Answer, title: string, by: string, wanted: string): string {
    if (answer.kind === "refused") return `${title} stays where it was. ${answer.why}`;
    if (answer.kind !== "conflict") return "";
    if (answer.conflict.column === null) return `${title} is not there any more: somebody deleted it.`;
    return `${by} of ${title} was changed meanwhile: you chose ${wanted}, it is ${this.named(answer.conflict.theirs)} now. Nothing was overwritten.`;
  }

  /** A value as the page names it. */
  private named(value: unknown): string {
    if (value === null || value === "") return "empty";
    const text = String(value);
    const zone = this.zones().find((z) => z.dataset["zone"] === text || z.dataset["zone"] === text.slice(0, 10));
    return zone?.dataset["name"] ?? text;
  }

  private async takeBack(version: number): Promise<void> {
    const failed = await undo(version);
    this.tell(failed === null ? "ok" : "bad", failed ?? "Undone.", null);
    this.region.dispatchEvent(new Event("refresh"));
  }

  /** One message at a time: the newest says what just happened. */
  private tell(tone: "ok" | "bad", text: string, offer: (() => void) | null): void {
    let box = this.page.querySelector<HTMLElement>(".toasts");
    if (!box) {
      box = this.page.createElement("div");
      box.className = "toasts";
      this.page.body.append(box);
    }
    const toast = this.page.createElement("div");
    toast.className = `toast tone-${tone}`;
    toast.setAttribute("role", tone === "bad" ? "alert" : "status");
    const words = this.page.createElement("p");
    toast.append(this.icon(tone === "bad" ? "warning" : "check"), words);
    const button = (label: string, className: string, act: () => void): HTMLButtonElement => {
      const made = this.page.createElement("button");
      made.type = "button";
      made.className = className;
      made.addEventListener("click", () => {
        toast.remove();
        act();
      });
      toast.append(made);
      if (label) made.textContent = label;
      return made;
    };
    if (offer) button("Undo", "button button-small", offer);
    const close = button("", "icon-button", () => undefined);
    close.setAttribute("aria-label", "Dismiss");
    close.append(this.icon("x"));
    box.replaceChildren(toast);
    // Words that come into a live region are read; words that are in it need not be.
    words.textContent = text;
    const time = stayFor(tone, text);
    const leave = (): void => {
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, 2_000);
      else toast.remove();
    };
    if (time !== null) setTimeout(leave, time);
  }

  private icon(name: string): SVGElement {
    const ns = "http://www.w3.org/2000/svg";
    const svg = this.page.createElementNS(ns, "svg");
    const use = this.page.createElementNS(ns, "use");
    const sprite = this.page.querySelector("svg use")?.getAttribute("href")?.split("#")[0] ?? "";
    svg.setAttribute("class", "icon");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${sprite}#${name}`);
    svg.append(use);
    return svg;
  }

  // --- keys

  private key(event: KeyboardEvent): void {
    const link = event.target instanceof HTMLAnchorElement ? event.target : null;
    const card = link?.closest<HTMLElement>("[data-card]");
    if (!link || !card || !link.id.startsWith("open-") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.region.dataset["busy"] === "keys") return this.carry(event);
    if (event.key === " ") {
      event.preventDefault();
      if (this.lift(card, "keys")) this.say(`${this.title(card)} picked up. Arrows move it, Space drops it, Escape puts it back.`);
    } else if (event.key.startsWith("Arrow") && !event.shiftKey) this.walk(event, card);
  }

  private carry(event: KeyboardEvent): void {
    const carried = this.carried;
    if (!carried) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.say(carried.to === carried.from ? "" : `${this.title(carried.card)} dropped on ${carried.to?.dataset["name"] ?? ""}.`);
      this.drop();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.cancel();
    } else if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const to = this.neighbour(carried, event.key);
      const list = to?.querySelector("[data-cards]");
      if (!to || !list) return this.say("There is nothing further this way.");
      carried.to = to;
      if (to === carried.from) this.put(carried.card, carried.home, carried.next);
      else this.put(carried.card, list, list.firstChild);
      this.over(to);
      carried.card.scrollIntoView({ block: "nearest", inline: "nearest" });
      this.say(`${to.dataset["name"] ?? ""}`);
    }
  }

  private neighbour(carried: Carried, key: string): HTMLElement | null {
    const isMonth = this.region.classList.contains("calendar");
    const zones = this.zones().filter((zone) => !isMonth || zone.dataset["zone"] !== "");
    const at = carried.to ? zones.indexOf(carried.to) : -1;
    if (at < 0) return zones.find((zone) => zone.getAttribute("aria-current") === "date") ?? zones[0] ?? null;
    const to = step(at, key, zones.length, isMonth ? 7 : 1);
    return to === null ? null : zones[to] ?? null;
  }

  /** Arrows lead from card to card, on a board along and across its lanes. */
  private walk(event: KeyboardEvent, card: HTMLElement): void {
    const lane = card.closest(".lane");
    const lists = lane ? [...this.region.querySelectorAll(".lane")].map((l) => [...l.querySelectorAll("[data-card]")]) : [[...this.region.querySelectorAll("[data-card]")]];
    const column = lists.findIndex((list) => list.includes(card));
    const row = lists[column]?.indexOf(card) ?? -1;
    const across = lane && (event.key === "ArrowLeft" || event.key === "ArrowRight");
    const forward = event.key === "ArrowRight" || event.key === "ArrowDown";
    let target: Element | undefined;
    if (across) {
      const others = forward ? lists.slice(column + 1) : lists.slice(0, column).reverse();
      const list = others.find((l) => l.length > 0);
      target = list?.[Math.min(row, list.length - 1)];
    } else target = lists[column]?.[row + (forward ? 1 : -1)];
    const link = target?.querySelector<HTMLElement>("a[id^='open-']");
    if (!link) return;
    event.preventDefault();
    link.focus();
  }

  // --- pointer

  private press(event: PointerEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const card = target?.closest<HTMLElement>("[data-card]");
    if (!card || this.carried || event.button !== 0 || target?.closest("summary, form, button")) return;
    const { clientX, clientY, pointerId } = event;
    const stop = new AbortController();
    const on = { signal: stop.signal };
    const isTouch = event.pointerType === "touch";
    const begin = (at: PointerEvent): void => {
      stop.abort();
      this.drag(card, at, clientX, clientY);
    };
    const far = (at: PointerEvent): boolean => Math.hypot(at.clientX - clientX, at.clientY - clientY) > (isTouch ? 10 : FAR);
    const timer = isTouch ? window.setTimeout(() => begin(event), HOLD) : 0;
    stop.signal.addEventListener("abort", () => window.clearTimeout(timer));
    this.page.addEventListener("pointermove", (at) => {
      if (at.pointerId !== pointerId || !far(at)) return;
      // A finger that moves at once scrolls.
      if (isTouch) stop.abort();
      else begin(at);
    }, on);
    for (const end of ["pointerup", "pointercancel"] as const) this.page.addEventListener(end, () => stop.abort(), on);
  }

  private drag(card: HTMLElement, start: PointerEvent, fromX: number, fromY: number): void {
    if (!card.isConnected) return;
    const box = card.getBoundingClientRect();
    const carried = this.lift(card, "pointer");
    if (!carried) return;
    const ghost = card.cloneNode(true) as HTMLElement;
    ghost.querySelector("details")?.remove();
    for (const one of [ghost, ...ghost.querySelectorAll("[id]")]) one.removeAttribute("id");
    ghost.classList.add("drag-ghost");
    ghost.classList.remove("is-carried");
    ghost.setAttribute("aria-hidden", "true");
    ghost.style.width = `${box.width}px`;
    this.page.body.append(ghost);
    this.page.documentElement.classList.add("dragging");
    const stop = new AbortController();
    const on = { signal: stop.signal };
    let [x, y] = [start.clientX, start.clientY];
    let frame = 0;
    const follow = (): void => {
      ghost.style.transform = `translate(${box.left + x - fromX}px, ${box.top + y - fromY}px)`;
      const under = this.page.elementFromPoint(x, y)?.closest<HTMLElement>("[data-zone]") ?? null;
      carried.to = under && this.region.contains(under) ? under : null;
      this.over(carried.to);
      this.scrollAlong(x, y, carried.to);
      frame = requestAnimationFrame(follow);
    };
    const end = (act: () => void): void => {
      stop.abort();
      cancelAnimationFrame(frame);
      ghost.remove();
      this.page.documentElement.classList.remove("dragging");
      act();
    };
    this.page.addEventListener("pointermove", (at) => { [x, y] = [at.clientX, at.clientY]; }, on);
    this.page.addEventListener("touchmove", (at) => at.preventDefault(), { ...on, passive: false });
    this.page.addEventListener("contextmenu", (at) => at.preventDefault(), on);
    this.page.addEventListener("pointerup", (at) => {
      [x, y] = [at.clientX, at.clientY];
      const under = this.page.elementFromPoint(x, y)?.closest<HTMLElement>("[data-zone]") ?? null;
      carried.to = under && this.region.contains(under) ? under : null;
      this.swallowClick();
      end(() => this.drop());
    }, on);
    this.page.addEventListener("pointercancel", () => end(() => this.cancel()), on);
    this.page.addEventListener("keydown", (at) => {
      if (at.key === "Escape") end(() => this.cancel());
    }, { ...on, capture: true });
    follow();
  }

  /** The click that ends a drag must not open the card. */
  private swallowClick(): void {
    const swallow = (event: Event): void => {
      event.preventDefault();
      event.stopPropagation();
    };
    this.page.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => this.page.removeEventListener("click", swallow, { capture: true }), 50);
  }

  private scrollAlong(x: number, y: number, over: HTMLElement | null): void {
    const pull = (at: number, low: number, high: number): number => (at < low + EDGE ? -12 : at > high - EDGE ? 12 : 0);
    const lanes = this.region.querySelector<HTMLElement>(".lanes");
    if (lanes) {
      const box = lanes.getBoundingClientRect();
      lanes.scrollLeft += pull(x, Math.max(box.left, 0), Math.min(box.right, window.innerWidth));
    }
    const list = over?.querySelector<HTMLElement>(".lane-cards");
    if (list) {
      const box = list.getBoundingClientRect();
      list.scrollTop += pull(y, box.top, box.bottom);
    } else window.scrollBy(0, pull(y, 0, window.innerHeight));
  }
}

/** Cards move, and choosing in the bar above them shows at once what was chosen. */
export function enhanceBoard(page: Document): void {
  const region = page.querySelector<HTMLElement>("[data-moves]");
  if (region) {
    new Moves(region, page);
    page.getElementById("move-help")?.removeAttribute("hidden");
  }
  for (const form of page.querySelectorAll<HTMLFormElement>("form[data-auto-submit]")) {
    form.addEventListener("change", (event) => {
      if (!(event.target instanceof HTMLSelectElement)) return;
      // Another view may go by another column: let it choose.
      const by = form.querySelector<HTMLSelectElement>("select[name=by]");
      if (event.target.name === "view" && by) by.disabled = true;
      form.requestSubmit();
    });
  }
}
