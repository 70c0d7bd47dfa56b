import { h, iconButton } from "../dom";
import { contact, people } from "../values";
import type { Contact } from "../wire";
import { onKeys, type Editing, type Editor, type Go } from "./editor";

/** People at an investor: a line each for name and address, and one to add. */
export function contactsEditor(editing: Editing): Editor {
  let all: Contact[] = [...people(editing.value)];
  const rows = h("div", { class: "ge-people" });
  const input = h("input", { class: "ge-line", "aria-label": `Add to ${editing.label}`, placeholder: "Name <name@example.org>", autocomplete: "off" });
  input.value = editing.seed ?? "";

  const field = (label: string, value: string, i: number, set: (value: string) => Partial<Contact>): HTMLInputElement => {
    const it = h("input", { class: "ge-part", "aria-label": `${label} of contact ${i + 1}`, placeholder: label });
    it.value = value;
    it.addEventListener("input", () => {
      const now = all[i];
      if (now) all[i] = { ...now, ...set(it.value) };
    });
    onKeys(it, save, () => editing.cancel());
    return it;
  };
  const draw = (): void => {
    rows.replaceChildren(...all.map((person, i) =>
      h("div", { class: "ge-person" },
        field("Name", person.name, i, (name) => ({ name })),
        field("Email", person.email ?? "", i, (email) => ({ email: email.trim().toLowerCase() })),
        iconButton("x", `Remove ${person.name}`, () => {
          all = all.filter((it) => it !== all[i]);
          draw();
          input.focus({ preventScroll: true });
        }))));
    rows.hidden = all.length === 0;
  };
  const add = (): void => {
    for (const part of input.value.split(/[;\n]/)) if (part.trim()) all.push(contact(part));
    input.value = "";
    draw();
  };
  const value = (): Contact[] => all.map(tidy).filter((person) => person.name !== "");
  const save = (go: Go): void => editing.commit(value(), go);

  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key !== "Enter" || input.value.trim() === "") return;
    add();
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  onKeys(input, (go) => { add(); save(go); }, () => editing.cancel());
  draw();
  const hint = h("p", { class: "ge-note" }, "Enter adds · Enter on an empty line saves");
  return { element: h("div", { class: "ge ge-choice ge-contacts" }, rows, input, hint), focus: input, isRoomy: true, flush: () => { add(); save("stay"); } };
}

/** A name or an address must be there; blank parts are left out. */
export function tidy(person: Contact): Contact {
  const { email, ...rest } = person;
  const address = email?.trim();
  return { ...rest, name: person.name.trim() || address || "", ...(address && { email: address }) };
}
