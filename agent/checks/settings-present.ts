import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { contentOf, pass, skip } from "./outcome.ts";

export const settingsPresent: Check = {
  id: "settings.present",
  layer: "content",
  question: "Are the document's own settings (time zone, language, versions) in the backup?",
  needs: "content",
  aspect: "settings",
  pitfalls: ["header, formats or time zone lost on restore"],
  limits: "Settings of the platform around the document are not part of it.",
  async run(view) {
    const { settings } = contentOf(view);
    return settings.length === 0 ? skip("this backup keeps no settings") : pass(describeCount(settings.length, "setting"), settings.length);
  },
};
