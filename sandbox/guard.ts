/**
 * Loaded before each program of the sandbox: when the supervisor is gone, however it went, the program ends too
 * and frees its port.
 */
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), 3_000).unref();
});
// Listening must not keep a program alive that has nothing left to do.
process.channel?.unref();
