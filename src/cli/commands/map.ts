import { defineCommand } from '../command.ts';
import { bool, int, text } from '../flags/flag.ts';
import { drawMap } from '../map/draw.ts';
import { fetchMap } from '../map/fetch.ts';

export const map = defineCommand({
  use: '[OPTIONS] [NETWORK...]',
  summary: "Draw the network: from the world through the host's bridges to every container",
  args: { min: 0 },
  flags: {
    all: bool('Show stopped containers and networks without containers too', { short: 'a' }),
    json: bool('Print what the picture is drawn from as JSON'),
    color: text('When to use colour: "auto", "always" or "never"', { default: 'auto' }),
    width: int('Columns to draw in (default: those of the terminal, or 100)'),
  },
  async run(context, { flags, args }) {
    const map = await fetchMap(context, args);
    if (flags.json) {
      context.out(`${JSON.stringify(map, null, 2)}\n`);
      return 0;
    }
    const { stdout } = context.io;
    const automatic = stdout.isTTY === true && !context.env.NO_COLOR && context.env.TERM !== 'dumb';
    const width = flags.width > 0 ? flags.width : stdout.columns || 100;
    context.out(
      drawMap(map, {
        width,
        all: flags.all,
        color: flags.color === 'always' || (flags.color === 'auto' && automatic),
      }),
    );
    return 0;
  },
});
