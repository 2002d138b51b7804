/** What the command line left in the inbox, taken in by the running agent. */
import { asAgentError } from "../core/errors.ts";
import type { Clock, Telemetry } from "../core/ports.ts";
import { parseRunReport } from "../core/run-report.ts";
import type { RunReport } from "../core/values.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import type { DecisionOrder } from "./decisions.ts";
import { emptyInbox, type InboxRequest } from "./inbox.ts";

export interface IntakeDeps {
  readonly inbox: string;
  readonly telemetry: Telemetry;
  readonly clock: Pick<Clock, "now">;
  readonly submitRun: (report: RunReport) => Promise<void>;
  readonly decide: (order: DecisionOrder) => Promise<unknown>;
  readonly forgetActor: (id: string) => Promise<void>;
  readonly pollAllNow: () => void;
  readonly drillNow: (sourceId: string) => void;
}

/** What the command line checked before is checked again: anyone who may write there may have written it. */
export async function takeIn(deps: IntakeDeps): Promise<void> {
  const { telemetry } = deps;
  const refused = (what: string, thrown: unknown): void =>
    telemetry.log("warn", what, { [ATTRIBUTES.errorType]: asAgentError(thrown).code });
  const takeRun = async (document: unknown): Promise<void> => {
    let report: RunReport;
    try {
      report = parseRunReport(document, { sourceId: null, via: "cli", now: deps.clock.now() });
    } catch (thrown) {
      refused("a run report in the inbox is not valid", thrown);
      return;
    }
    await deps.submitRun(report);
  };
  const take = async (request: InboxRequest): Promise<void> => {
    switch (request.kind) {
      case "run":
        await takeRun(request.document);
        break;
      case "poll":
        deps.pollAllNow();
        break;
      case "drill":
        deps.drillNow(request.document.sourceId);
        break;
      case "actor":
        await deps.forgetActor(request.document.forget);
        // Who it was is what is to be forgotten.
        telemetry.log("info", "the name behind an actor was erased");
        break;
      case "decision":
        try {
          await deps.decide({ ...request.document, via: "cli" });
        } catch (thrown) {
          // What could not be kept stays in the inbox for the next turn; what is no decision never becomes one.
          if (asAgentError(thrown).kind !== "usage") throw thrown;
          refused("a decision in the inbox was refused", thrown);
        }
        break;
    }
  };
  await emptyInbox(deps.inbox, take, (name, code) =>
    telemetry.log("warn", "a document in the inbox was not understood", { name, [ATTRIBUTES.errorType]: code }),
  );
}
