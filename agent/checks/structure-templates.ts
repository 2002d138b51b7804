import type { Check, Content, TemplateContent } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, fail, listed, pass, skip } from "./outcome.ts";

export const structureTemplates: Check = {
  id: "structure.templates",
  layer: "content",
  question: "Are the templates there, and does each find what it is filled from?",
  needs: "content",
  aspect: "templates",
  pitfalls: ["structure-only export loses what is made from it"],
  limits: "A template removed on purpose and one the backup lost look alike without production: both are shown as changed.",
  async run(view, { previous }) {
    const content = contentOf(view);
    if (!keepsTemplates(content)) return skip("templates are not read from this format");
    const { templates } = content;
    const broken = templates.filter((one) => one.broken !== null);
    if (broken.length > 0)
      return fail(`${describeCount(broken.length, "template")} broken: ${broken[0]?.broken ?? ""}`, {
        expected: "every template finds what it is filled from",
        count: broken.length,
        examples: broken.slice(0, 5).map((one) => ({ collection: one.collection ?? "", item: one.id, note: one.broken ?? "" })),
      });
    const lost = (previous?.templates ?? []).filter((before) => !templates.some((one) => one.id === before.id)).map((one) => one.name);
    if (lost.length > 0)
      return changed(`${listed(lost)} no longer there`, { expected: "the templates of the previous backup", count: lost.length });
    if (templates.length === 0) return skip("the backup holds no template, and the earlier one knew of none");
    return pass(describeCount(templates.length, "template"), templates.length);
  },
};

function keepsTemplates(content: Content): content is Content & TemplateContent {
  return "templates" in content;
}
