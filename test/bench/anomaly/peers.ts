/** What others do, run by run, as their documents say; each gives true where it would alarm. Facts from anomaly.md's table of peers. */
export type Rule = (values: readonly number[], times: readonly number[]) => readonly boolean[];

const HOUR = 3_600_000;

const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;
const sd = (list: readonly number[]): number => {
  const middle = mean(list);
  return Math.sqrt(list.reduce((sum, one) => sum + (one - middle) ** 2, 0) / Math.max(1, list.length - 1));
};
const median = (list: readonly number[]): number => {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2;
};

const over =
  (window: number, least: number, judge: (value: number, before: readonly number[]) => boolean, included = false): Rule =>
  (values) =>
    values.map((value, at) => {
      const before = values.slice(Math.max(0, at - window + (included ? 1 : 0)), at + (included ? 1 : 0));
      return before.length >= least && judge(value, before);
    });

const threeSigma = (value: number, before: readonly number[]): boolean => Math.abs(value - mean(before)) > 3 * sd(before);

export const PEERS: Readonly<Record<string, Rule>> = {
  "modified z, last 10": over(10, 5, (value, before) => {
    const middle = median(before);
    const mad = median(before.map((one) => Math.abs(one - middle)));
    return mad > 0 && (0.6745 * Math.abs(value - middle)) / mad > 3.5;
  }),
  "3 SD of 14, itself included": over(14, 7, threeSigma, true),
  "3 SD of 30": over(30, 10, threeSigma),
  "online z 2.5": (values) => {
    let [count, average, squares] = [0, 0, 0];
    return values.map((value) => {
      const spread = Math.sqrt(squares / Math.max(1, count - 1));
      const alarm = count >= 10 && spread > 0 && Math.abs(value - average) / spread > 2.5;
      count += 1;
      const delta = value - average;
      average += delta / count;
      squares += delta * (value - average);
      return alarm;
    });
  },
  "robust band, 26 h of 24 h medians": over(26, 8, (value, before) => {
    const middle = median(before);
    return Math.abs(value - middle) > 3 * 1.4826 * median(before.map((one) => Math.abs(one - middle))) + 0.1 * middle;
  }),
  "log Holt-Winters, 4 sigma": (values) => {
    let [level, trend, squares, seen] = [Math.log(Math.max(1, values[0] ?? 1)), 0, 0.01, 0];
    return values.map((value) => {
      const y = Math.log(Math.max(1, value));
      const error = y - level - trend;
      const spread = Math.sqrt(squares);
      const alarm = seen >= 14 && Math.abs(error) > 4 * spread;
      const taken = Math.max(-4 * spread, Math.min(4 * spread, error));
      const before = level;
      level = level + trend + 0.2 * taken;
      trend = 0.98 * trend + 0.02 * (level - before - trend);
      squares = 0.95 * squares + 0.05 * taken * taken;
      seen += 1;
      return alarm;
    });
  },
  "weekday MAD": (values, times) => {
    // Where runs come more often than daily, the like are those of the same weekday and time.
    const distance = median(times.slice(1, 50).map((time, at) => time - (times[at] ?? 0)));
    const slot = distance > 12 * HOUR ? 24 * HOUR : Math.max(HOUR / 12, distance);
    const like = new Map<number, number[]>();
    return values.map((value, at) => {
      const own = Math.floor((((times[at] ?? 0) + slot * 0.1) % (7 * 24 * HOUR)) / slot);
      const all = like.get(own) ?? [];
      like.set(own, all);
      const before = all.slice(-8);
      all.push(value);
      if (before.length < 5) return false;
      const middle = median(before);
      const mad = median(before.map((one) => Math.abs(one - middle)));
      return mad > 0 && Math.abs(value - middle) / (1.4826 * mad) > 4;
    });
  },
  "EWMA, 3 sigma": (values) => {
    let [average, squares, seen] = [values[0] ?? 0, 0, 0];
    return values.map((value) => {
      const error = value - average;
      const alarm = seen >= 14 && Math.abs(error) > 3 * Math.sqrt(squares);
      average += 0.3 * error;
      squares = 0.95 * squares + 0.05 * error * error;
      seen += 1;
      return alarm;
    });
  },
  CUSUM: (values) => {
    const before = values.slice(0, 30).map((one) => Math.log(Math.max(1, one)));
    const [middle, spread] = [mean(before), Math.max(0.01, sd(before))];
    let [up, down] = [0, 0];
    return values.map((value, at) => {
      if (at < 30) return false;
      const z = (Math.log(Math.max(1, value)) - middle) / spread;
      [up, down] = [Math.max(0, up + z - 0.5), Math.max(0, down - z - 0.5)];
      if (Math.max(up, down) <= 5) return false;
      [up, down] = [0, 0];
      return true;
    });
  },
  "never alarms": (values) => values.map(() => false),
};
