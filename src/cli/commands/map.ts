import { defineCommand } from '../command.ts';
import { bool, int } from '../flags/flag.ts';
import { drawMap } from '../map/draw.ts';
import { fetchMap } from '../map/fetch.ts';
import { watchMap } from '../map/watch.ts';
import { colorFlag, usesColor } from '../terminal/color.ts';

export const map = defineCommand({
  use: '[OPTIONS] [NETWORK...]',
  summary: "Draw the network: from the world through the host's bridges to every container",
  args: { min: 0 },
  flags: {
    all: bool('Show stopped containers and networks without containers too', { short: 'a' }),
    json: bool('Print what the picture is drawn from as JSON'),
    watch: bool('Draw again every second, with what goes over the links', { short: 'w' }),
    color: colorFlag(),
    width: int('Columns to draw in (default: those of the terminal, or 100)'),
  },
  async run(context, { flags, args }) {
    const color = usesColor(context, flags.color);
    if (flags.watch) {
      const width = flags.width > 0 ? flags.width : undefined;
      return watchMap(context, args, { all: flags.all, json: flags.json, color, width });
    }
    const map = await fetchMap(context, args);
    if (flags.json) {
      context.out(`${JSON.stringify(map, null, 2)}\n`);
      return 0;
    }
    const width = flags.width > 0 ? flags.width : context.io.stdout.columns || 100;
    context.out(drawMap(map, { width, all: flags.all, color }));
    return 0;
  },
});
