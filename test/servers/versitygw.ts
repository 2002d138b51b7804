/** A real S3 server over a directory that goes away. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goTool } from "./go-tools.ts";
import { answers, freePort, startServer } from "./process.ts";

export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Where buckets lie as folders and objects as files, so that a test can set their times or damage them. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** With versioning and object lock. */
export async function startS3(): Promise<S3Server> {
  const [program, port] = [await goTool("versitygw"), await freePort()];
  const directory = await mkdtemp(join(tmpdir(), "rw-s3-"));
  await mkdir(join(directory, "data"));
  await mkdir(join(directory, "versions"));
  const accessKeyId = "test-access-key";
  const secretAccessKey = "test-secret-access-key-0123456789";
  const running = await startServer({
    name: "versitygw",
    command: program,
    args: [
      "--access",
      accessKeyId,
      "--secret",
      secretAccessKey,
      "--port",
      `127.0.0.1:${port}`,
      "--health",
      "/health",
      "posix",
      "--versioning-dir",
      join(directory, "versions"),
      join(directory, "data"),
    ],
    cwd: directory,
    env: {},
    ready: () => answers(`http://127.0.0.1:${port}/health`),
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    accessKeyId,
    secretAccessKey,
    directory: join(directory, "data"),
    stop: async () => {
      await running.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
