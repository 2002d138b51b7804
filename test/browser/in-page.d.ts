export function overflow(): number;
export function faintTexts(): { readonly text: string; readonly ratio: number }[];
export function focused(): {
  readonly id: string;
  readonly name: string;
  readonly outlined: boolean;
  readonly onScreen: boolean;
  readonly inMain: boolean;
} | null;
export function selectHeadline(): void;
export function selectNothing(): void;
export function isOpen(details: unknown): boolean;
export function markAsTheSame(element: unknown): void;
