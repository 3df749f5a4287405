// Distances, angles and dihedral angles between picked atoms: their values, their text, their drawing.

const difference = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
const degrees = radians => radians * 180 / Math.PI

/** Distance in Å, angle or dihedral angle (IUPAC sign) in degrees, for two, three or four points. */
function measured(points) {
  if (points.length === 2) return Math.sqrt(dot(difference(...points), difference(...points)))
  const [a, b, c, d] = points
  if (points.length === 3) {
    const u = difference(a, b), v = difference(c, b), normal = cross(u, v)
    return degrees(Math.atan2(Math.sqrt(dot(normal, normal)), dot(u, v)))
  }
  const axis = difference(c, b), first = cross(difference(b, a), axis), second = cross(axis, difference(d, c))
  return degrees(Math.atan2(dot(cross(first, second), axis) / Math.sqrt(dot(axis, axis)), dot(first, second)))
}

function valueText(points) {
  if (points.length < 2) return ""
  const value = measured(points)
  if (!Number.isFinite(value)) return "–"
  if (points.length === 2) return `${value.toFixed(2)} Å`
  return `${value.toFixed(1).replace("-", "−")}°`
}

/** Names the picked atoms and what they span: "C1-O3 1.43 Å". Atoms are counted from 1. */
function measurementText(scene, picked) {
  const names = picked.map(index => `${ELEMENTS[scene.numbers[index]]}${index + 1}`).join("-")
  return `${names} ${valueText(pickedPoints(scene, picked))}`.trim()
}

function pickedPoints(scene, picked) {
  return picked.map(index => Array.from(scene.positions.subarray(3 * index, 3 * index + 3)))
}

function drawPill(context, text, x, y, colors) {
  context.font = "600 13px system-ui, sans-serif"
  const width = context.measureText(text).width + 14
  context.beginPath()
  context.roundRect(x - width / 2, y - 11, width, 22, 11)
  context.fillStyle = colors.pill
  context.fill()
  context.fillStyle = colors.text
  context.textAlign = "center"
  context.textBaseline = "middle"
  context.fillText(text, x, y + 0.5)
}

/** Where the label goes: the middle of a distance or of a dihedral's axis, outside the vertex of an angle. */
function labelPlace(dots) {
  const [a, b, c] = dots
  if (dots.length === 3) {
    const x = b.x - (a.x + c.x) / 2, y = b.y - (a.y + c.y) / 2, length = Math.hypot(x, y) || 1
    return { x: b.x + 30 * x / length, y: b.y + 26 * y / length }
  }
  const [start, end] = dots.length === 2 ? [a, b] : [b, c]
  return { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 }
}

/** Draws rings around the picked atoms, dashed lines between them and the value; used on screen and for pictures. */
function drawMeasurement(context, scene, picked, dark) {
  if (!scene.component || !picked.length) return
  const colors = dark ? { line: "#F0C05A", pill: "#F0C05A", text: "#1c1300" } : { line: "#B35C00", pill: "#7A3E00", text: "#ffffff" }
  const dots = picked.map(index => scene.project(index))
  context.strokeStyle = colors.line
  context.lineWidth = 2
  context.setLineDash([6, 4])
  context.beginPath()
  dots.forEach(({ x, y }, k) => k ? context.lineTo(x, y) : context.moveTo(x, y))
  context.stroke()
  context.setLineDash([])
  context.lineWidth = 2.5
  const radius = index => scene.spacing ? 0.34 * scene.spacing : scene.numbers[index] === 1 ? 0.34 : 0.48 // around the ball, Å
  dots.forEach(({ x, y, scale }, k) => {
    context.beginPath()
    context.arc(x, y, Math.min(Math.max(radius(picked[k]) * scale, 7), 60), 0, 2 * Math.PI)
    context.stroke()
  })
  const text = valueText(pickedPoints(scene, picked))
  if (!text) return
  const place = labelPlace(dots)
  drawPill(context, text, place.x, place.y, colors)
}
