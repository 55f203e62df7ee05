/**
 * The part of the contract between the Functions worker and `@azure/functions` that this host speaks.
 * The real types are in `@azure/functions-core`, which exists only inside the worker and is not on npm.
 */

export interface TypedData {
  string?: string | null;
  json?: string | null;
  bytes?: Uint8Array | null;
  int?: number | null;
  double?: number | null;
  http?: HttpData | null;
}

export interface NullableValue<T> {
  value?: T;
}

export interface HttpData {
  url?: string;
  method?: string;
  nullableHeaders?: Record<string, NullableValue<string>>;
  nullableParams?: Record<string, NullableValue<string>>;
  nullableQuery?: Record<string, NullableValue<string>>;
  statusCode?: string;
  headers?: Record<string, string>;
  cookies?: HttpCookie[];
  body?: TypedData | null;
}

export interface HttpCookie {
  name?: string;
  value?: string;
  domain?: NullableValue<string>;
  path?: NullableValue<string>;
  expires?: NullableValue<{ seconds?: number }>;
  secure?: NullableValue<boolean>;
  httpOnly?: NullableValue<boolean>;
  sameSite?: "none" | "lax" | "strict" | "explicitNone";
  maxAge?: NullableValue<number>;
}

export interface TraceContext {
  traceParent: string;
  traceState?: string;
  attributes?: Record<string, string>;
}

export interface RetryContext {
  retryCount: number;
  maxRetryCount: number;
  exception?: { message: string; stackTrace?: string };
}

export interface InvocationRequest {
  invocationId: string;
  inputData: { name: string; data: TypedData }[];
  triggerMetadata: Record<string, TypedData>;
  traceContext: TraceContext;
  retryContext?: RetryContext;
}

export interface InvocationResponse {
  outputData?: { name?: string; data?: TypedData }[] | null;
  returnValue?: TypedData | null;
}

export interface BindingInfo {
  type: string;
  direction: "in" | "out";
  [option: string]: unknown;
}

export interface RetryOptions {
  retryStrategy?: "fixedDelay" | "exponentialBackoff";
  maxRetryCount?: number;
  delayInterval?: { seconds?: number };
  minimumInterval?: { seconds?: number };
  maximumInterval?: { seconds?: number };
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, BindingInfo>;
  retryOptions?: RetryOptions;
}

export type LogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical" | "none";
export type Handler = (...args: unknown[]) => unknown;

export interface CoreInvocationContext {
  invocationId: string;
  request: InvocationRequest;
  metadata: FunctionMetadata;
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  log(level: LogLevel, category: "user" | "system", message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], handler: Handler): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}
