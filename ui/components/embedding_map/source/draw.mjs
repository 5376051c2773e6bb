// Points by WebGL2: positions and classes stay in the graphics memory, a frame is three calls. Drawn only when asked to.

const POINT = `#version 300 es
in vec3 place, before;
in float number, faded;
uniform mat4 view;
uniform vec3 span, spanBefore, background;
uniform float moved, size, layer, deep;
uniform sampler2D colours;
out vec3 colour;
out float diameter;
void main() {
  float mine = number > 254.5 ? -1. : faded > 0.5 ? 0. : number > 253.5 ? 1. : 2.;
  gl_Position = view * vec4(mix((before - .5) * spanBefore, (place - .5) * span, moved), 1.);
  if (mine != layer || gl_Position.w <= .1) { gl_Position = vec4(2., 2., 2., 1.); gl_PointSize = 0.; return; }
  diameter = max(size * (deep > .5 ? 4. / gl_Position.w : 1.), 1.5);
  gl_PointSize = diameter;
  float haze = deep > .5 ? clamp((gl_Position.w - 3.2) / 4., 0., .65) : 0.;
  colour = mix(texelFetch(colours, ivec2(int(number + .5), 0), 0).rgb, background, haze);
}`;

const DISC = `#version 300 es
precision highp float;
in vec3 colour;
in float diameter;
uniform vec3 background;
uniform float opacity, deep;
out vec4 pixel;
void main() {
  float out_ = length(gl_PointCoord * 2. - 1.);
  float edge = 2. / diameter;
  float shape = 1. - smoothstep(1. - edge, 1., out_);
  if (shape <= 0. || (deep > .5 && shape < .35)) discard;
  float rim = diameter > 7. ? smoothstep(1. - 2.4 * edge, 1. - 1.2 * edge, out_) * .9 : 0.;
  float alpha = shape * opacity;
  pixel = vec4(mix(colour, background, rim) * alpha, alpha);
}`;

const FADED = 0;
const UNKNOWN_LAYER = 1;
const PLAIN = 2;

// null where there is no WebGL2.
export function webgl(canvas) {
  const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, premultipliedAlpha: true, powerPreference: "low-power" });
  return gl && new Drawing(gl);
}

class Drawing {
  constructor(gl) {
    this.gl = gl;
    this.begins();
  }

  // Everything that a lost context takes along.
  begins() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, POINT], [gl.FRAGMENT_SHADER, DISC]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    ["place", "before", "number", "faded"].forEach((name, at) => gl.bindAttribLocation(program, at, name));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    this.program = program;
    this.uniforms = Object.fromEntries(
      ["view", "span", "spanBefore", "background", "moved", "size", "layer", "deep", "opacity", "colours"]
        .map((name) => [name, gl.getUniformLocation(program, name)]),
    );
    this.buffers = ["place", "before", "number", "faded"].map(() => gl.createBuffer());
    this.texture = gl.createTexture();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  points(points, before) {
    this.shown = points;
    this.before = before ?? points;
    this.fills(0, points.places, points.dims, true);
    this.fills(1, this.before.places, this.before.dims, true);
  }

  classes(classes) { this.fills(2, classes, 1, false); }

  faded(faded) {
    this.fills(3, faded, 1, false);
    this.anyFaded = faded.includes(1);
  }

  fills(at, values, size, spread) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[at]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, spread ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE, spread, 0, 0);
  }

  colours(table) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  draw({ camera, moved, size, opacity, ratio, theme }) {
    const { gl, uniforms } = this;
    const deep = this.shown.dims === 3;
    const background = theme.background.map((part) => part / 255);
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.program);
    gl.uniformMatrix4fv(uniforms.view, false, camera.matrix());
    gl.uniform3fv(uniforms.span, this.shown.span);
    gl.uniform3fv(uniforms.spanBefore, this.before.span);
    gl.uniform3fv(uniforms.background, background);
    gl.uniform1f(uniforms.moved, moved);
    gl.uniform1f(uniforms.size, size * ratio);
    gl.uniform1f(uniforms.deep, deep ? 1 : 0);
    gl.uniform1i(uniforms.colours, 0);
    if (deep) gl.enable(gl.DEPTH_TEST);
    else gl.disable(gl.DEPTH_TEST);
    // In three dimensions the faded come last, behind whatever is there; in two first, below the others.
    for (const layer of deep ? [PLAIN, UNKNOWN_LAYER, FADED] : [FADED, UNKNOWN_LAYER, PLAIN]) {
      if (layer === FADED && !this.anyFaded) continue;
      gl.depthMask(deep && layer !== FADED);
      gl.uniform1f(uniforms.layer, layer);
      gl.uniform1f(uniforms.opacity, layer === FADED ? 0.12 : layer === UNKNOWN_LAYER ? opacity * 0.6 : opacity);
      gl.drawArrays(gl.POINTS, 0, this.shown.count);
    }
    gl.depthMask(true);
  }

  ends() { this.gl.getExtension("WEBGL_lose_context")?.loseContext(); }
}
