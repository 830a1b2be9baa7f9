/** As much of a page as the modules look at when they are loaded. */

globalThis.document = { querySelector: () => null, getElementById: () => null, addEventListener() {}, hidden: false };
globalThis.window = { addEventListener() {}, removeEventListener() {}, location: { origin: "http://here" } };
