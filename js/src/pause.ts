type Scheduling = { scheduler?: { yield?(): Promise<void> } };

/** Lets the page paint and react before the work continues, if it can be continued soon. */
export function pause(): Promise<void> | undefined {
  return (globalThis as Scheduling).scheduler?.yield?.();
}
