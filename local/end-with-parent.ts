/**
 * Node arguments that make a child process end when its parent is gone, even by kill -9: the child's stdin is a pipe held
 * by the parent, the system closes it, and the child then sends itself SIGTERM, so that it still saves what it has.
 */

const watchStdin = `
process.stdin.on("close", () => process.kill(process.pid, "SIGTERM")).on("error", () => {}).resume();
process.stdin.unref();
`;

/** To be put before the script; the child needs `stdio: ["pipe", …]`. */
export const endWithParent: readonly string[] = [`--import=data:text/javascript,${encodeURIComponent(watchStdin)}`];
