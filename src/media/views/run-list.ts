// A growing list of numbers of 32 bits, for tables whose length is known only when they are done.

export class RunList {
  #numbers = new Uint32Array(256);
  #length = 0;

  push(first: number, second: number): void {
    if (this.#length + 2 > this.#numbers.length) this.#grow();
    this.#numbers[this.#length++] = first;
    this.#numbers[this.#length++] = second;
  }

  pushOne(value: number): void {
    if (this.#length === this.#numbers.length) this.#grow();
    this.#numbers[this.#length++] = value;
  }

  /** All that was pushed, without a copy; negative ones in two's complement. */
  values(): Uint32Array {
    return this.#numbers.subarray(0, this.#length);
  }

  #grow(): void {
    const grown = new Uint32Array(this.#numbers.length * 2);
    grown.set(this.#numbers);
    this.#numbers = grown;
  }
}
