/** docker-compose.yml as the compose specification reads it: only keys that stand there, defaults of the environment filled in. */
import { parse } from "yaml";
import { z } from "zod";
import { textOf } from "../meta/sources.ts";

const duration = z.string().regex(/^(\d+(us|ms|s|m|h))+$/u);
const condition = z.strictObject({ condition: z.enum(["service_started", "service_healthy", "service_completed_successfully"]) });

/** Those keys of a service that we use, in the shapes that the specification gives them (compose-spec, 05-services). */
const service = z.strictObject({
  image: z.string(),
  build: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  user: z
    .string()
    .regex(/^\d+:\d+$/u)
    .optional(),
  ports: z.array(z.string()).default([]),
  environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/u), z.string()).default({}),
  env_file: z.array(z.strictObject({ path: z.string(), required: z.boolean() })).optional(),
  volumes: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).optional(),
  read_only: z.boolean().optional(),
  depends_on: z.record(z.string(), condition).default({}),
  healthcheck: z
    .union([
      z.strictObject({ disable: z.literal(true) }),
      z.strictObject({ test: z.tuple([z.literal("CMD")], z.string()), interval: duration, timeout: duration, retries: z.int().min(1) }),
    ])
    .optional(),
  deploy: z.strictObject({
    resources: z.strictObject({
      limits: z.strictObject({ cpus: z.string().regex(/^\d+(\.\d+)?$/u), memory: z.string().regex(/^\d+[mg]$/u) }),
    }),
  }),
  restart: z.enum(["no", "always", "on-failure", "unless-stopped"]),
  security_opt: z.array(z.string()),
  cap_drop: z.array(z.string()),
  cap_add: z.array(z.string()).optional(),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  stop_grace_period: duration.optional(),
});
const document = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/u),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

export type Service = z.output<typeof service>;
export type Compose = z.output<typeof document>;

export class Unset extends Error {}

/** `${NAME}`, `${NAME:-default}` and `${NAME:?what is said}`; `$$` is a dollar sign. */
export function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\$|\$\{([A-Z0-9_]+)(?:(:[-?])([^}]*))?\}/gu,
    (whole: string, name: string | undefined, how?: string, rest = "") => {
      if (name === undefined) return "$";
      const value = env[name];
      if (value !== undefined && value !== "") return value;
      if (how === ":?") throw new Unset(rest);
      if (how === undefined) throw new Unset(`${whole} has no default`);
      return rest;
    },
  );
}

const SECRETS = { S3_ACCESS_KEY_ID: "id", S3_SECRET_ACCESS_KEY: "secret", POSTGRES_PASSWORD: "secret" };

/** @throws ZodError where a key or shape is not of the specification */
export function readCompose(env: Readonly<Record<string, string>> = SECRETS): Compose {
  const filled = (value: unknown): unknown => {
    if (typeof value === "string") return interpolate(value, env);
    if (Array.isArray(value)) return value.map(filled);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner)]));
  };
  const { ["x-limits"]: _, ...rest } = parse(textOf("docker-compose.yml"), { merge: true }) as Record<string, unknown>;
  return document.parse(filled(rest));
}

export interface Mount {
  /** A path beside docker-compose.yml, or the name of a volume. */
  readonly from: string;
  readonly to: string;
  readonly isVolume: boolean;
}

export function mountsOf({ volumes }: Service): readonly Mount[] {
  return volumes.map((text) => {
    const [from = "", to = ""] = text.split(":");
    return { from, to, isVolume: !/^[./~]/u.test(from) };
  });
}

/** Of `127.0.0.1:9090:9090`. */
export function publishedPorts({
  ports,
}: Service): readonly { readonly address: string; readonly outside: number; readonly inside: number }[] {
  return ports.map((text) => {
    const [address = "", outside = "", inside = ""] = text.split(":");
    return { address, outside: Number(outside), inside: Number(inside) };
  });
}
