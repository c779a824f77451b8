// Which runs are each other's counterfactuals: those that share a past, because one was forked from the other or both
// from a third.

/**
 * The runs that share a past with `run`, as `{ run, words, steps }`: `steps` that both have taken since they parted,
 * most first. `runs` are in the order in which they were opened, so that a parent stands before its forks; one that
 * stands after them has only the name of the parent, which was deleted.
 */
export function relatives(runs, run) {
  const place = (name) => runs.findIndex((one) => one.run === name);
  const parent = (one) => (one.forked_from !== null && place(one.forked_from) < place(one.run) ? one.forked_from : null);
  const found = [];
  for (const other of runs) {
    if (other.run === run.run || other.model !== run.model) continue;
    let since = null;
    let words = "";
    if (parent(run) === other.run) [since, words] = [run.forked_seq, `which ${run.run} was forked from`];
    else if (parent(other) === run.run) [since, words] = [other.forked_seq, `forked from ${run.run}`];
    else if (run.forked_from && run.forked_from === other.forked_from) {
      [since, words] = [Math.min(run.forked_seq, other.forked_seq), `forked from ${run.forked_from} as this one`];
    }
    if (since !== null) found.push({ run: other.run, words, steps: Math.min(run.next_seq, other.next_seq) - since });
  }
  return found.sort((a, b) => b.steps - a.steps);
}
