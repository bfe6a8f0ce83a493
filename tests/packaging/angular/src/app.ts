import { afterNextRender, Component, DestroyRef, inject, signal } from "@angular/core";
import { connect } from "seamline";

@Component({
  selector: "app-root",
  template: `
    <ol>
      @for (text of texts(); track text) {
        <li>{{ text }}</li>
      }
    </ol>
  `,
})
export class App {
  protected readonly texts = signal<string[]>([]);

  constructor() {
    const destroyed = inject(DestroyRef);
    afterNextRender(() => {
      const client = connect(new URLSearchParams(location.search).get("server") ?? "");
      client.channel<{ text: string }>("fixture", { from: "start" }).on("message", ({ data }) => {
        this.texts.update((texts) => [...texts, data.text]);
      });
      destroyed.onDestroy(() => void client.close());
    });
  }
}
