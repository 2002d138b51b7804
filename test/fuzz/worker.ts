/** One format's fuzzing in a process of its own, with the memory a drill child has; rounds go out as lines of JSON. */
import { openDescriptors, startCampaign } from "./campaign.ts";

const [format = "", seedText = "1", secondsText = "60", onlyText] = process.argv.slice(2);

function say(message: unknown): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()));
}

const campaign = await startCampaign(format, Number(seedText));
if (onlyText === undefined) {
  // What is opened once and kept, such as the database library, is not a leak.
  for (let round = 1; round <= 10; round += 1) await campaign.run(round);
  const descriptors = openDescriptors();
  const until = performance.now() + Number(secondsText) * 1000;
  for (let round = 1; performance.now() < until; round += 1) {
    await say({ begins: round });
    await say(await campaign.run(round));
  }
  await say({ peakRssKb: process.resourceUsage().maxRSS, leaked: (openDescriptors() ?? 0) - (descriptors ?? 0) });
} else {
  await say(await campaign.run(Number(onlyText)));
}
await campaign.close();
