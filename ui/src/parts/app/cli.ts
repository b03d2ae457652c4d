import { command } from "../../kit/CliHint";

type Word = string | number | false | null | undefined;

/** The command of the CLI that does the same in a team: the default team is left out, as it is there. */
export const cli = (team: string, ...words: Word[]) =>
  command("crumpet", ...words, team !== "default" && "--team", team !== "default" && team);
