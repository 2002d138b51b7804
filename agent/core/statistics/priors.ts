/** How noise usually falls off, before a series has shown how its own does. */

// Somewhat heavier than normal noise would show; medians of five over a moving level have two thirds of its width.
export const SPIKE_PRIOR = { levels: [2.5, 4, 6], shares: [0.02, 0.003, 0.0007], weight: 60 };
export const SHIFT_PRIOR = { levels: [1.3, 2.1, 3.2], shares: [0.05, 0.003, 0.0005], weight: 60 };
/** Medians of a day of hourly runs are a fifth as wide again. */
export const DAY_PRIOR = { levels: [0.8, 1.3, 2], shares: [0.05, 0.005, 0.001], weight: 300 };
