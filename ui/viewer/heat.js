// Receives the heat map of the selected diagnosis and hands it to the viewer of its image.
//
// A component of its own: with it, the viewer's message with all its code stays the same at every
// run of the page, and Streamlit sends a reference instead.

import { dropHeat, putHeat } from "./registry.js";

export default function heat({ data }) {
  putHeat(data.frame, data.heat);
  return () => dropHeat(data.frame, data.heat);
}
