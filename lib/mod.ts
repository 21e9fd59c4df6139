/**
 * `concurrent.futures` for TypeScript, on Effect: jobs for a bounded set of workers, results as a Stream.
 *
 * Nothing but what is exported here is public.
 */
export * as ClusterExecutor from "./ClusterExecutor.ts"
export * as Executor from "./Executor.ts"
export * as ExecutorError from "./ExecutorError.ts"
export * as Future from "./Future.ts"
export * as InlineExecutor from "./InlineExecutor.ts"
export * as Job from "./Job.ts"
export * as Memory from "./Memory.ts"
export * as ProcessExecutor from "./ProcessExecutor.ts"
export * as Recorder from "./Recorder.ts"
export * as ResultStore from "./ResultStore.ts"
export * as RunRecord from "./RunRecord.ts"
export * as ThreadExecutor from "./ThreadExecutor.ts"
