export enum Colour {
  Red,
  Green,
}

export const colour = (of: Colour): string => Colour[of]!.toLowerCase();
