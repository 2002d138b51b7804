/** Streams that somebody began and left lying hold files open: whoever gave them out can end them all. */

export interface OpenStreams {
  /** Passes a stream on, and knows of it until it ends. */
  track<T>(stream: AsyncGenerator<T>): AsyncGenerator<T>;
  /** Ends those that have not ended. */
  end(): Promise<void>;
}

export function openStreams(): OpenStreams {
  const open = new Set<AsyncGenerator>();
  return {
    async *track(stream) {
      open.add(stream);
      try {
        yield* stream;
      } finally {
        open.delete(stream);
      }
    },
    async end() {
      await Promise.allSettled([...open].map((stream) => stream.return(undefined)));
    },
  };
}
