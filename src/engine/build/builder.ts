/** The classic builder: the stages of a Dockerfile, one instruction and one image after the other. */

import { invalid, isKind } from '../../base/errors.ts';
import type { Container } from '../containers/container.ts';
import { applyInstruction, jsonWords } from '../images/changes.ts';
import type { Image } from '../images/index.ts';
import { expandWord, splitWords } from '../images/words.ts';
import { baseReference, credentialsFor } from './base-image.ts';
import { commentOf } from './comment.ts';
import { copyStep, workdirStep } from './copy-step.ts';
import { type Dockerfile, type Instruction, parseError, parseInstruction, type Stage } from './dockerfile.ts';
import { runStep } from './run-step.ts';
import { type Build, beginStage, expandIn, type StageState, takeConfigStep } from './stage.ts';

const SCRATCH = 'scratch';

export class Builder {
  readonly #build: Build;
  readonly #dockerfile: Dockerfile;
  readonly #find: (id: string) => Container;
  /** The images of the stages so far, by number and by name. */
  readonly #stages = new Map<string, Image | undefined>();
  #step = 0;
  #steps = 0;

  constructor(
    build: Omit<Build, 'imageOf' | 'escapeChar'>,
    dockerfile: Dockerfile,
    find: (id: string) => Container,
  ) {
    this.#build = { ...build, escapeChar: dockerfile.escapeChar, imageOf: (ref) => this.#imageOf(ref) };
    this.#dockerfile = dockerfile;
    this.#find = find;
  }

  /** Gives the image of the last stage. */
  async run(): Promise<Image> {
    const { output, args, options } = this.#build;
    const stages = this.#wantedStages();
    const { head } = this.#dockerfile;
    const labels = Object.entries(options.labels).sort();
    this.#steps =
      head.length +
      stages.reduce((sum, { instructions }) => sum + 1 + instructions.length, 0) +
      (labels.length > 0 ? 1 : 0);
    for (const instruction of head) {
      this.#announce(instruction.text);
      for (const [name, value] of declarations(instruction, this.#build.escapeChar)) {
        args.declareInHead(name, value === undefined ? undefined : this.#expandHead(value));
      }
    }
    let image: Image | undefined;
    for (const [index, stage] of stages.entries()) {
      const state = await this.#stage(stage, index === stages.length - 1 ? labels : []);
      image = state.image;
      this.#stages.set(String(index), image);
      if (stage.name !== '') this.#stages.set(stage.name, image);
      if (image !== undefined) output.result(image.id);
    }
    if (args.unused.length > 0) {
      output.line(`[Warning] One or more build-args [${args.unused.join(' ')}] were not consumed`);
    }
    if (image === undefined) throw invalid('No image was generated. Is your Dockerfile empty?');
    return image;
  }

  /** Up to `--target`, by name or number. */
  #wantedStages(): Stage[] {
    const { stages } = this.#dockerfile;
    const { target } = this.#build.options;
    if (target === '') return stages;
    const named = stages.findIndex(({ name }) => name !== '' && name === target.toLowerCase());
    const index = named === -1 && /^\d+$/.test(target) ? Number(target) : named;
    if (index === -1 || index >= stages.length) {
      throw invalid(`failed to reach build target ${target} in Dockerfile`);
    }
    return stages.slice(0, index + 1);
  }

  async #stage(stage: Stage, labels: ReadonlyArray<[string, string]>): Promise<StageState> {
    const { output, args } = this.#build;
    this.#announce(stage.from.text);
    args.nextStage();
    const base = await this.#base(stage);
    const state = beginStage(this.#build, base);
    output.image(base?.id ?? '');
    await this.#triggers(state, base);
    for (const instruction of stage.instructions) {
      this.#announce(instruction.text);
      await this.#dispatch(state, instruction);
      output.image(state.image?.id ?? '');
    }
    if (labels.length > 0) {
      const shown = `LABEL ${labels.map(([name, value]) => `${name}=${value}`).join(' ')}`;
      this.#announce(shown);
      state.draft.config.Labels = { ...state.draft.config.Labels, ...Object.fromEntries(labels) };
      await takeConfigStep(this.#build, state, shown);
      output.image(state.image?.id ?? '');
    }
    return state;
  }

  #announce(text: string): void {
    this.#build.signal.throwIfAborted();
    this.#build.output.line(`Step ${++this.#step}/${this.#steps} : ${text}`);
  }

  #expandHead(word: string): string {
    return expandWord(word, (name) => this.#build.args.ofHead(name), this.#build.escapeChar);
  }

  /** Undefined: nothing. */
  async #base({ base, from }: Stage): Promise<Image | undefined> {
    const name = this.#expandHead(base);
    const platform = this.#expandHead(from.flags.get('platform') ?? '') || this.#build.options.platform;
    if (name === '') throw parseError(from.line, `base name (${base}) should not be blank`);
    if (name === SCRATCH) return undefined;
    return this.#stages.get(name.toLowerCase()) ?? this.#image(name, platform);
  }

  async #imageOf(ref: string): Promise<Image> {
    if (this.#stages.has(ref.toLowerCase())) {
      const image = this.#stages.get(ref.toLowerCase());
      if (image === undefined) throw invalid(`invalid from flag value ${ref}: the stage has no files`);
      return image;
    }
    return this.#image(ref, this.#build.options.platform);
  }

  /** The image by that name, pulled when it is not here, or when that is asked for. */
  async #image(name: string, platform: string): Promise<Image> {
    const { images, options, output, signal, deriver } = this.#build;
    const wanted = platform || undefined;
    let image: Image | undefined;
    if (!options.pull) {
      image = await images.resolve(name, wanted).catch((error) => {
        if (isKind(error, 'not-found')) return undefined;
        throw error;
      });
    }
    if (image === undefined) {
      const reference = baseReference(name);
      await images.pull(
        { name: reference, tag: '', platform: wanted },
        credentialsFor(reference, options.auths),
        output.pull,
        signal,
      );
      image = await images.resolve(name, wanted);
    }
    await deriver.hold(image);
    return image;
  }

  /** What the base image has said is to be done in whatever is built on it. */
  async #triggers(state: StageState, base: Image | undefined): Promise<void> {
    const triggers = base?.config.OnBuild ?? [];
    if (triggers.length === 0) return;
    const { output } = this.#build;
    output.line(`# Executing ${triggers.length} build trigger${triggers.length === 1 ? '' : 's'}`);
    for (const trigger of triggers) await this.#dispatch(state, parseInstruction(trigger, 0));
    output.image(state.image?.id ?? '');
  }

  async #dispatch(state: StageState, instruction: Instruction): Promise<void> {
    const build = this.#build;
    const { name, rest, line } = instruction;
    switch (name) {
      case 'RUN':
        return runStep(build, state, instruction, this.#find);
      case 'COPY':
      case 'ADD':
        return copyStep(build, state, instruction);
      case 'ARG':
        return this.#argument(state, instruction);
      case 'SHELL': {
        const words = jsonWords(rest);
        if (words === undefined || words.length === 0) {
          throw parseError(line, 'SHELL requires the arguments to be in JSON form');
        }
        state.draft.config.Shell = words;
        return takeConfigStep(build, state, `SHELL [${words.join(' ')}]`);
      }
      case 'MAINTAINER':
        state.author = rest;
        return takeConfigStep(build, state, `MAINTAINER ${rest}`);
      case 'WORKDIR':
        applyInstruction(state.draft, name, rest);
        return workdirStep(build, state);
      default: {
        const comment = commentOf(state.draft, name, rest);
        applyInstruction(state.draft, name, rest);
        return takeConfigStep(build, state, comment);
      }
    }
  }

  #argument(state: StageState, instruction: Instruction): Promise<void> {
    const declared: string[] = [];
    for (const [name, given] of declarations(instruction, this.#build.escapeChar)) {
      const value = given === undefined ? undefined : expandIn(state, given);
      this.#build.args.declare(name, value);
      declared.push(value === undefined ? name : `${name}=${value}`);
    }
    return takeConfigStep(this.#build, state, `ARG ${declared.join(' ')}`);
  }
}

/** `NAME` or `NAME=default` of ARG, the default as it is written. */
function declarations({ rest, line }: Instruction, escapeChar: string): Array<[string, string | undefined]> {
  return splitWords(rest, escapeChar).map((word) => {
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === '') throw parseError(line, 'ARG names can not be blank');
    return [name, value];
  });
}
