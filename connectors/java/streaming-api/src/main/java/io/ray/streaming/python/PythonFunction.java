package io.ray.streaming.python;

import io.ray.streaming.api.function.Function;

/** A Python function by its module and name. */
public final class PythonFunction implements Function {

  private final String moduleName;
  private final String functionName;

  /** Names a function, or a class of which there is to be an object. */
  public PythonFunction(String moduleName, String functionName) {
    this.moduleName = moduleName;
    this.functionName = functionName;
  }

  public String getModuleName() {
    return moduleName;
  }

  public String getFunctionName() {
    return functionName;
  }
}
