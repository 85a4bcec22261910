import { defineCommand } from '../command.ts';
import { observeText } from '../explain/observe.ts';

export const metrics = defineCommand({
  use: '',
  summary:
    "Print everything that is counted, once, as Prometheus reads it\n\nFor node_exporter's textfile collector; a Prometheus can also ask the daemon itself (--metrics-addr).",
  args: { min: 0, max: 0 },
  flags: {},
  async run(context) {
    context.out(await observeText(context, '/metrics'));
    return 0;
  },
});
