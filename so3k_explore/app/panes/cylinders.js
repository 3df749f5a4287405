// Cylinders between points that move: pairs of atoms, contacts of a cluster, edges of the cell; and where they end.

const CONTACT_REACH = 1.25 // neighbours of a cluster are joined up to this multiple of its spacing
const CONTACTS_PER_ATOM = 8 // room in the buffer; a close-packed atom has 12 neighbours, each counted once
const MAX_CONTACT_ATOMS = 600 // the search looks at all pairs, for every frame
const ROOM = 32 // cylinders by which a buffer grows, so that a few more or fewer need no new one

/** Thin cylinders between pairs of points that can be moved, coloured and replaced without rebuilding the buffer. */
class Cylinders {
  constructor(NGL, stage) {
    this.NGL = NGL
    this.stage = stage
    this.component = null
  }

  set(starts, ends, radii, colors, opacity) {
    const color = new Float32Array(3 * colors.length)
    colors.forEach((code, k) => color.set([(code >> 16 & 255) / 255, (code >> 8 & 255) / 255, (code & 255) / 255], 3 * k))
    if (this.component && this.opacity === opacity && this.radii.length === radii.length) {
      this.buffer.setAttributes({ position1: starts, position2: ends, color, color2: color, radius: Float32Array.from(radii) })
      return
    }
    this.clear()
    if (!radii.length) return
    this.radii = radii
    this.opacity = opacity
    this.buffer = new this.NGL.CylinderBuffer(
      { position1: starts, position2: ends, color, color2: color, radius: Float32Array.from(radii) },
      { openEnded: false, disableImpostor: false })
    const shape = new this.NGL.Shape("cylinders")
    shape.addBuffer(this.buffer)
    this.component = this.stage.addComponentFromObject(shape)
    this.component.addRepresentation("buffer", { opacity, depthWrite: opacity >= 1 })
  }

  move(starts, ends) {
    if (this.component) this.buffer.setAttributes({ position1: starts, position2: ends })
  }

  clear() {
    if (this.component) this.stage.removeComponent(this.component)
    this.component = null
  }
}

/** The same numbers followed by zeros, up to a length. */
function padded(values, length) {
  const longer = new values.constructor(length)
  longer.set(values)
  return longer
}

/** Starting and end points of pairs of atoms; an atom paired with itself gets a short one that its sphere hides. */
function endpoints(pairs, positions) {
  const starts = new Float32Array(3 * pairs.length / 2), ends = new Float32Array(starts.length)
  for (let k = 0; k < pairs.length / 2; k++) {
    for (let axis = 0; axis < 3; axis++) {
      starts[3 * k + axis] = positions[3 * pairs[2 * k] + axis]
      ends[3 * k + axis] = positions[3 * pairs[2 * k + 1] + axis]
    }
    if (pairs[2 * k] === pairs[2 * k + 1]) ends[3 * k] += 1e-3
  }
  return [starts, ends]
}

/** Pairs closer than `reach`, padded to `capacity` pairs; the padding repeats one atom and is hidden inside it. */
function contactEndpoints(positions, reach, capacity) {
  const starts = new Float32Array(3 * capacity), ends = new Float32Array(3 * capacity), count = positions.length / 3
  let used = 0
  for (let i = 0; i < count && used < capacity; i++) {
    for (let j = 0; j < i && used < capacity; j++) {
      const dx = positions[3 * i] - positions[3 * j]
      const dy = positions[3 * i + 1] - positions[3 * j + 1]
      const dz = positions[3 * i + 2] - positions[3 * j + 2]
      if (dx * dx + dy * dy + dz * dz > reach * reach) continue
      starts.set(positions.subarray(3 * i, 3 * i + 3), 3 * used)
      ends.set(positions.subarray(3 * j, 3 * j + 3), 3 * used)
      used += 1
    }
  }
  for (let k = used; k < capacity; k++) {
    starts.set([positions[0], positions[1], positions[2]], 3 * k)
    ends.set([positions[0] + 1e-3, positions[1], positions[2]], 3 * k)
  }
  return [starts, ends]
}

/** The twelve edges of the cell spanned by three rows. */
function cellEndpoints(cell) {
  const corner = bits => [0, 1, 2].map(axis =>
    [0, 1, 2].reduce((sum, row) => sum + (bits >> row & 1) * cell[3 * row + axis], 0))
  const starts = [], ends = []
  for (let bits = 0; bits < 8; bits++) {
    for (let row = 0; row < 3; row++) {
      if (bits >> row & 1) continue
      starts.push(...corner(bits))
      ends.push(...corner(bits | 1 << row))
    }
  }
  return [Float32Array.from(starts), Float32Array.from(ends)]
}
